// Package control is the door to a state folder: who owns it, and how others have something done by the one who does.
//
// One process at a time owns a state: it holds a lock on the file `lock`, which the kernel gives back when the process is gone, however
// it went. The file's text says who it is, for the sentence that the second one prints.
//
// Another process hands its command over as files, so that there is no port, no protocol and nothing to see but a folder. Each request is a
// folder in <state>/control, which only the state's user and root can enter:
//
//	client        locked by the one who asks for as long as it waits; its end, however it comes, cancels the request
//	request.json  what was typed, and where
//	read          how far the one who asks has read the answer
//	owner         locked by the one who answers; made by link, so that a request is begun at most once or withdrawn
//	stdout        grow while they are read; the owner waits when it is too far ahead
//	stderr
//	exit          the exit code: the answer is complete
//
// Whose request it is, is the owner of the file request.json. Locks of the kernel tell who is still there: no time limit decides it.
package control

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrOwned means that another process owns the state.
var ErrOwned = errors.New("the state folder is in use")

// Lock is the ownership of a state folder.
type Lock struct{ file *os.File }

// Own takes the state folder for this process, making it (0750) when it is missing. An error wraps ErrOwned when another process has it.
func Own(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open the state's lock: %w", err)
	}
	if err := lockBriefly(file); err != nil {
		defer file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ownedBy(dir, file)
		}
		return nil, fmt.Errorf("lock the state folder %s: %w", dir, err)
	}
	if err := file.Truncate(0); err == nil {
		fmt.Fprintf(file, "chute, process %d\n", os.Getpid())
	}
	return &Lock{file}, nil
}

// lockBriefly tries for a moment: somebody may be looking whether the state has an owner.
func lockBriefly(file *os.File) error {
	for tries := 0; ; tries++ {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || tries == 5 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ownedBy says whose the state is, as its lock does.
func ownedBy(dir string, lock io.Reader) error {
	owner, _ := io.ReadAll(io.LimitReader(lock, 100))
	return fmt.Errorf("%w: %s belongs to %s; stop it first", ErrOwned, dir, strings.TrimSpace(string(owner)))
}

// Free is nil when no process owns the state folder, and the error of Own when one does. It changes nothing there, not even when there is no folder.
func Free(dir string) error {
	file, err := os.Open(filepath.Join(dir, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the state's owner: %w", err)
	}
	defer file.Close()
	err = unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ownedBy(dir, file)
	}
	return err
}

// Owned tells whether a process owns the state folder, as Free does.
func Owned(dir string) (bool, error) {
	err := Free(dir)
	if errors.Is(err, ErrOwned) {
		return true, nil
	}
	return false, err
}

// Release gives the state folder back.
func (l *Lock) Release() error { return l.file.Close() }
