// Package control is the door to a state folder: who owns it.
//
// One process at a time owns a state: it holds a lock on the file `lock`, which the kernel gives back when the process is gone, however
// it went. The file's text says who it is, for the sentence that the second one prints.
package control

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		owner, _ := io.ReadAll(io.LimitReader(file, 100))
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s belongs to %s; stop it first", ErrOwned, dir, strings.TrimSpace(string(owner)))
		}
		return nil, fmt.Errorf("lock the state folder %s: %w", dir, err)
	}
	if err := file.Truncate(0); err == nil {
		fmt.Fprintf(file, "chute, process %d\n", os.Getpid())
	}
	return &Lock{file}, nil
}

// Release gives the state folder back.
func (l *Lock) Release() error { return l.file.Close() }
