package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Request is a command that another process hands over.
type Request struct {
	Args     []string `json:"args"`               // as typed, without the program's name
	Dir      string   `json:"dir"`                // the working directory, absolute
	Terminal bool     `json:"terminal,omitempty"` // the output goes to a terminal
	Progress bool     `json:"progress,omitempty"` // what is said besides, on stderr, goes to a terminal
	Width    int      `json:"width,omitempty"`    // of the terminal, in characters
	UID      uint32   `json:"-"`                  // who asks: the user that owns the file, whatever the file says
}

// Handler answers a request and returns the exit code. ctx ends when nobody waits for the answer any more.
type Handler func(ctx context.Context, r Request, stdout, stderr io.Writer) int

// Names in <state>/control, and in a request's folder there.
const (
	controlFolder = "control"
	servingFile   = "serving" // locked by the owner while it takes requests

	clientFile  = "client"
	requestFile = "request.json"
	readFile    = "read"
	ownerFile   = "owner"
	stdoutFile  = "stdout"
	stderrFile  = "stderr"
	exitFile    = "exit"
)

// maxRequest bounds request.json. The kernel allows a command line of 2 MiB.
const maxRequest = 4 << 20

// folder is an open directory. Names in it are followed nowhere: what is opened is what lies in it.
type folder struct{ fd int }

func openFolder(parent int, name string) (*folder, error) {
	fd, err := unix.Openat(parent, name, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &folder{fd}, nil
}

func (f *folder) close() { unix.Close(f.fd) }

// open opens a plain file; anything else is refused, and doesn't block.
func (f *folder) open(name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(f.fd, name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	file := os.NewFile(uintptr(fd), name)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.Join(fmt.Errorf("%s isn't a regular file", name), file.Close())
	}
	return file, nil
}

// create makes a file that isn't there yet.
func (f *folder) create(name string) (*os.File, error) {
	return f.open(name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR)
}

// locked makes a file that has its lock from the moment it has its name. An error wraps fs.ErrExist when the name is taken.
func (f *folder) locked(name string) (*os.File, error) {
	hidden := fmt.Sprintf(".%s-%08x", name, rand.Uint32())
	file, err := f.create(hidden)
	if err != nil {
		return nil, err
	}
	err = errors.Join(unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.Linkat(f.fd, hidden, f.fd, name, 0))
	err = errors.Join(err, unix.Unlinkat(f.fd, hidden, 0))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// held tells whether a process has the lock of a file. A file that isn't there has none.
func (f *folder) held(name string) bool {
	file, err := f.open(name, unix.O_RDONLY)
	if err != nil {
		return false
	}
	defer file.Close()
	return errors.Is(unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

func (f *folder) exists(name string) bool {
	var st unix.Stat_t
	return unix.Fstatat(f.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil
}

// check refuses a request's folder that somebody else could write to.
func (f *folder) check() error {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return err
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0 {
		return fmt.Errorf("the folder belongs to user %d with mode %#o; it has to be private and this user's", st.Uid, st.Mode&0o777)
	}
	return nil
}

// readRequest reads request.json and finds out who wrote it.
func (f *folder) readRequest() (r Request, err error) {
	file, err := f.open(requestFile, unix.O_RDONLY)
	if err != nil {
		return r, err
	}
	defer file.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return r, err
	}
	r.UID = st.Uid
	switch {
	case int(st.Uid) != os.Geteuid() && st.Uid != 0:
		return r, fmt.Errorf("%s belongs to user %d; only this user's and root's are taken", requestFile, st.Uid)
	case st.Mode&0o022 != 0:
		return r, fmt.Errorf("%s can be written by others (mode %#o)", requestFile, st.Mode&0o777)
	case st.Nlink != 1:
		return r, fmt.Errorf("%s has %d names", requestFile, st.Nlink)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxRequest+1))
	switch {
	case err != nil:
		return r, err
	case len(text) > maxRequest:
		return r, fmt.Errorf("%s is larger than %d bytes", requestFile, maxRequest)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", requestFile, err)
	}
	if len(r.Args) == 0 || !filepath.IsAbs(r.Dir) {
		return r, fmt.Errorf("%s lacks args or an absolute dir", requestFile)
	}
	return r, nil
}
