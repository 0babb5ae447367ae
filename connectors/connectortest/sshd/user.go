package sshd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// NewUser makes a user of this machine with a password, for the time of the test; only root can. The home is an empty folder.
func NewUser(t testing.TB) (name, password, home string) {
	t.Helper()
	a := &Accounts{}
	t.Cleanup(func() {
		os.RemoveAll(home)
		if err := a.Remove(); err != nil {
			t.Error(err)
		}
	})
	home, err := os.MkdirTemp("", "chute-home-")
	if err != nil {
		t.Fatal(err)
	}
	password = rand.Text()
	if name, err = a.User(home); err != nil {
		t.Fatal(err)
	}
	if err := alter(name+":"+password, "chpasswd"); err != nil {
		t.Fatal(err)
	}
	if err := alter("", "chown", name+":", home); err != nil {
		t.Fatal(err)
	}
	return name, password, home
}

// Accounts are users and groups of this machine that a test has made. Only root can make any.
type Accounts struct {
	users, groups []string
}

// User makes a user who can't log in by any password, and a group of the same name that it is in. The home isn't made. The password is one that none
// is right for: an account without any is locked, and a sshd without PAM lets nobody in there, by key neither.
func (a *Accounts) User(home string) (name string, err error) {
	name = accountName()
	if err := alter("", "useradd", "--password", "*", "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin", name); err != nil {
		return "", err
	}
	a.users = append(a.users, name)
	return name, nil
}

// Group makes a group that nobody is in.
func (a *Accounts) Group() (name string, err error) {
	name = accountName()
	if err := alter("", "groupadd", name); err != nil {
		return "", err
	}
	a.groups = append(a.groups, name)
	return name, nil
}

// Join puts a user into a group besides its own.
func (a *Accounts) Join(user, group string) error {
	return alter("", "usermod", "--append", "--groups", group, user)
}

// Remove removes them all, and the groups of their names.
func (a *Accounts) Remove() (err error) {
	for _, name := range a.users {
		err = errors.Join(err, alter("", "userdel", "--force", name))
	}
	for _, name := range a.groups {
		err = errors.Join(err, alter("", "groupdel", name))
	}
	a.users, a.groups = nil, nil
	return err
}

func accountName() string {
	return fmt.Sprintf("chute-t%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:6]))
}

// alter runs a command that changes the files of users. Others may be changing them in this moment: they are locked then.
func alter(stdin, name string, args ...string) error {
	if os.Geteuid() != 0 {
		return errors.New("only root can make users")
	}
	for try := 1; ; try++ {
		cmd := exec.Command(name, args...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		switch {
		case err == nil:
			return nil
		case try == 300 || !strings.Contains(string(out), "lock"):
			return fmt.Errorf("%s %q: %w: %s", name, args, err, out)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
