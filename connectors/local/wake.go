package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// watched are the events that may make a file ready. Writes in between aren't among them: a large upload would wake us all the time.
// Nor are names that move away, or each claim would wake us. Creations are: where a rename is a second link and a
// removal, as OpenSSH's is, nothing else tells.
const watched = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_CLOSE_WRITE | unix.IN_DELETE | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF |
	unix.IN_ONLYDIR | unix.IN_DONT_FOLLOW

// watch is one inotify instance. What an event says is never looked at, not even whether it says that events were lost: any event means "look".
type watch struct {
	root    string
	events  *os.File
	changed chan struct{} // holds one: the wake that is still to be called

	mu  sync.Mutex     // held by refresh
	ids map[string]int // folder -> watch descriptor; a folder that isn't there has none
}

// Wake implements connectors.Waker with inotify: one watch for each folder, not for folders in it. Where the kernel has no more
// watches to give, the error says which limit to raise, and looking now and then has to do. The first wake comes at once.
func (f *Folder) Wake(ctx context.Context, dirs []string, wake func()) (refresh func(), err error) {
	for _, dir := range dirs {
		if err := checkDir(dir); err != nil {
			return nil, fmt.Errorf("watch %q: %w", dir, err)
		}
	}
	w, err := newWatch(f.Root)
	if err != nil {
		return nil, fmt.Errorf("watch folders: %w", explain(err))
	}
	if err := w.refresh(dirs); err != nil {
		w.events.Close()
		return nil, fmt.Errorf("watch folders: %w", explain(err))
	}
	w.signal()
	go w.read()
	go w.call(ctx, wake)
	context.AfterFunc(ctx, func() { w.events.Close() }) // which ends read
	// What can't be watched at a later time may be the time after; polling finds its files.
	return func() { _ = w.refresh(dirs) }, nil
}

func newWatch(root string) (*watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return &watch{
		root:    root,
		events:  os.NewFile(uintptr(fd), "inotify"),
		changed: make(chan struct{}, 1),
		ids:     make(map[string]int),
	}, nil
}

// add watches dir, or finds out that it is watched: for a folder that the instance watches already the kernel answers with the same
// descriptor. It reports a folder that wasn't there before as a change.
func (w *watch) add(fd int, dir string) error {
	id, err := unix.InotifyAddWatch(fd, filepath.Join(w.root, dir), watched)
	old, known := w.ids[dir]
	switch {
	case err == nil && known && id == old:
		return nil
	case err != nil && !missing(err):
		return err
	}
	if known { // gone, or another folder has its name now
		delete(w.ids, dir)
		w.drop(fd, old)
	}
	if err == nil {
		w.ids[dir] = id
		w.signal()
	}
	return nil
}

// drop ends a watch that no folder needs any more. The kernel refuses when it has ended it itself.
func (w *watch) drop(fd, id int) {
	for _, other := range w.ids {
		if other == id {
			return
		}
	}
	_, _ = unix.InotifyRmWatch(fd, uint32(id))
}

// missing tells whether err means that there is no such folder now.
func missing(err error) bool {
	return err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP
}

// explain says what to do about the limits of inotify, which have errors with misleading texts.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("no inotify watches left, so polling goes on alone; raise sysctl fs.inotify.max_user_watches: %w", err)
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return fmt.Errorf("no inotify instances or file descriptors left, so polling goes on alone; "+
			"raise sysctl fs.inotify.max_user_instances (or LimitNOFILE= of the unit): %w", err)
	}
	return err
}

// refresh watches those of dirs that aren't watched yet, or not any more. It does nothing once events is closed.
func (w *watch) refresh(dirs []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	raw, err := w.events.SyscallConn()
	if err != nil {
		return err
	}
	var errs []error
	err = raw.Control(func(fd uintptr) {
		for _, dir := range dirs {
			if err := w.add(int(fd), dir); err != nil {
				errs = append(errs, fmt.Errorf("%q: %w", dir, err))
			}
		}
	})
	return errors.Join(append(errs, err)...)
}

// signal asks for one more wake; one that is still to be called will do.
func (w *watch) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// read empties the kernel's queue until events is closed.
func (w *watch) read() {
	buf := make([]byte, 64<<10)
	for {
		if _, err := w.events.Read(buf); err != nil {
			return
		}
		w.signal()
	}
}

func (w *watch) call(ctx context.Context, wake func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.changed:
			if ctx.Err() == nil {
				wake()
			}
		}
	}
}
