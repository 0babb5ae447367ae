package sshd

import (
	"crypto/rand"
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
	if os.Geteuid() != 0 {
		t.Fatal("only root can make users")
	}
	name = fmt.Sprintf("chute-t%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:6]))
	password = rand.Text()
	home, err := os.MkdirTemp("", "chute-home-")
	if err != nil {
		t.Fatal(err)
	}
	command := func(stdin, name string, args ...string) {
		t.Helper()
		// Others may be making users in this moment: the file of users is locked then.
		for try := 1; ; try++ {
			cmd := exec.Command(name, args...)
			cmd.Stdin = strings.NewReader(stdin)
			out, err := cmd.CombinedOutput()
			if err == nil {
				return
			}
			if try == 100 || !strings.Contains(string(out), "lock") {
				t.Fatalf("%s %q: %v: %s", name, args, err, out)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	command("", "useradd", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin", name)
	t.Cleanup(func() {
		os.RemoveAll(home)
		command("", "userdel", "--force", name)
	})
	command(name+":"+password, "chpasswd")
	command("", "chown", name+":", home)
	return name, password, home
}
