package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// hints are the events that may make a file ready at once. A rename away isn't one, or each claim would wake us. Removals are: where a
// rename is a second link and a removal, as OpenSSH's is, nothing else tells. For writes see writing.
const hints = fsnotify.Create | fsnotify.Remove

// watch is the notice of changes for one Wake.
type watch struct {
	folder  *Folder
	dirs    map[string]string // the folders to be watched, by path
	events  *fsnotify.Watcher
	changed chan struct{} // holds one: the wake that is still to be called

	// Held while fsnotify is told what to watch and while it is closed, because it would go on with a descriptor that may be another file's by
	// then. read never waits for it: fsnotify may hold a lock of its own until an event is taken.
	mu      sync.Mutex
	watched map[string]directory // by path; a folder that isn't there has none
	closed  bool
}

// directory tells folders that had one name after another apart.
type directory struct{ device, inode uint64 }

// Wake implements connectors.Waker with fsnotify: one inotify instance for the call, one watch for each folder, not for folders in it. Where
// the kernel has no more of them to give, the error says which limit to raise, and looking now and then has to do.
// The first wake comes at once. What came into a folder before refresh watched it is found by looking after refresh.
func (f *Folder) Wake(ctx context.Context, dirs []string, wake func()) (refresh func(), err error) {
	for _, dir := range dirs {
		if err := checkDir(dir); err != nil {
			return nil, fmt.Errorf("watch %q: %w", dir, err)
		}
	}
	w, err := newWatch(f, dirs)
	if err != nil {
		return nil, fmt.Errorf("watch folders: %w", explain(err))
	}
	if err := w.refresh(); err != nil {
		w.close()
		return nil, fmt.Errorf("watch folders: %w", explain(err))
	}
	w.signal()
	go w.read()
	go w.call(ctx, wake)
	context.AfterFunc(ctx, w.close) // which ends read
	// What can't be watched at a later time may be the time after; polling finds its files.
	return func() { _ = w.refresh() }, nil
}

func newWatch(f *Folder, dirs []string) (*watch, error) {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &watch{folder: f, dirs: make(map[string]string), events: events, changed: make(chan struct{}, 1), watched: make(map[string]directory)}
	for _, dir := range dirs {
		w.dirs[filepath.Join(f.Root, dir)] = dir
	}
	return w, nil
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	_ = w.events.Close() // nothing is written there, so nothing is lost
}

// refresh watches those of the folders that aren't watched yet, or not any more. It does nothing once the watch is closed.
func (w *watch) refresh() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	var errs []error
	for path, dir := range w.dirs {
		if err := w.add(path, dir); err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", dir, err))
		}
	}
	return errors.Join(errs...)
}

// add watches a folder, or finds out that it is watched. It reports one that wasn't there before as a change. w.mu is held.
func (w *watch) add(path, dir string) error {
	now, err := w.folder.identify(dir)
	before, known := w.watched[path]
	if known && (err != nil || now != before) { // gone, or another folder has its name now
		delete(w.watched, path)
		_ = w.events.Remove(path) // refused when the kernel has ended it itself
		known = false
	}
	if err == nil {
		// A known one too: a new folder may have got the inode number of the old one. For what it watches already the kernel does nothing.
		err = w.events.Add(path)
	}
	switch {
	case missing(err):
		return nil
	case err != nil:
		return err
	case !known:
		w.watched[path] = now
		w.signal()
	}
	return nil
}

// identify goes to the folder without following links, which fsnotify would follow. One that is swapped for a link right afterwards is watched
// where the link leads: that wakes for nothing, and the next refresh ends it.
func (f *Folder) identify(dir string) (directory, error) {
	fd, err := f.openDir(dir)
	if err != nil {
		return directory{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	err = fstat(fd, &st)
	return directory{st.Dev, st.Ino}, err
}

// missing tells whether err means that there is no such folder now.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, fs.ErrInvalid)
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

// signal asks for one more wake; one that is still to be called will do.
func (w *watch) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// read takes the events until the watch is closed. An error counts as a hint: the usual one is ErrEventOverflow, events were lost.
func (w *watch) read() {
	files := make(writing)
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	for {
		select {
		case event, open := <-w.events.Events:
			switch {
			case !open:
				return
			case w.hint(event):
				w.signal()
			case event.Has(fsnotify.Write):
				if len(files) == 0 {
					timer.Reset(quiet)
				}
				files[event.Name] = time.Now()
			}
		case _, open := <-w.events.Errors:
			if !open {
				return
			}
			w.signal()
		case now := <-timer.C:
			if files.paused(now) {
				w.signal()
			}
			if len(files) > 0 {
				timer.Reset(quiet)
			}
		}
	}
}

// writing are the files that are being written, with the time of the last write. A write alone is no hint, or a large upload would wake us all
// the time, but the first pause after it is: a look then sees the file as it is when its writer has finished, and its rest
// begins. Without it the look that its creation brought, when it was still empty, would be the last one for long.
type writing map[string]time.Time

// quiet is how long a file isn't written to when its writer pauses, or has finished.
const quiet = 200 * time.Millisecond

// paused tells whether the writer of any file does, and forgets those files.
func (w writing) paused(now time.Time) (any bool) {
	for name, last := range w {
		if now.Sub(last) >= quiet {
			delete(w, name)
			any = true
		}
	}
	return any
}

// hint tells whether the event means that it is worth looking at once. Of what is renamed away only a watched folder is.
func (w *watch) hint(event fsnotify.Event) bool {
	if event.Has(fsnotify.Rename) {
		_, folder := w.dirs[event.Name]
		return folder
	}
	return event.Op&hints != 0
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
