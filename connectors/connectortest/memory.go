package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"

	"chute/connectors"
)

// ErrGone is what a Memory and everything opened from it answer after Crash or Kill.
var ErrGone = errors.New("the process that used this folder has died")

// Memory is a folder in memory, as strict as the contract lets it be. What is durable and what isn't:
//
//   - A file's bytes are durable once its Commit has returned; before, a power cut leaves any beginning of them under the
//     temporary name (".pending-" and a number, which List shows), or nothing.
//   - A name given or taken is durable once Sync of its folder has returned. Until then a power cut leaves the folder's
//     name as it was at the last Sync, as it is now, or as it was at any time in between, and each name on its own.
//   - So a rename shows afterwards under the old name, the new one, or both. It shows under neither only when the old
//     name's folder was synced and the new one's was not: sync the new name's folder first.
//   - Files of CreateAll, and their names, are durable once it has returned.
//   - Folders that Create and Rename make on the way are durable at once, and so is what Put and Special do: partners' files are there.
//
// Memory is made by NewMemory and safe for concurrent use.
type Memory struct {
	Work string // the work folder's name
	Room int64  // what Free answers; set it before use

	mu     sync.Mutex
	root   *node
	serial uint64 // numbers nodes and temporary names
	dead   bool
	abuses []string

	wakers []*waker
}

var (
	_ connectors.Folder     = (*Memory)(nil)
	_ connectors.Sifter     = (*Memory)(nil)
	_ connectors.WriterSeer = (*Memory)(nil)
	_ connectors.Waker      = (*Memory)(nil)
	_ connectors.Sizer      = (*Memory)(nil)
	_ connectors.Filer      = (*Memory)(nil)
)

// NewMemory returns an empty store.
func NewMemory(work string) *Memory {
	m := &Memory{Work: work, Room: 1 << 40}
	m.root = m.newNode(fs.ModeDir | 0o755)
	return m
}

// Misuses returns what was asked of the folder that chute must never ask, in words: to remove or create something outside the work
// folder, to move a partner's folder, to write to a file that is committed. Such calls fail, too.
func (m *Memory) Misuses() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.abuses)
}

// misuse is called with mu held.
func (m *Memory) misuse(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	m.abuses = append(m.abuses, err.Error())
	return err
}

// do runs one operation under the lock, unless the folder is dead or ctx has ended, and wraps its error.
func (m *Memory) do(ctx context.Context, what string, operation func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := ctx.Err()
	if m.dead {
		err = ErrGone
	}
	if err == nil {
		err = operation()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// List implements connectors.Folder.
func (m *Memory) List(ctx context.Context, dir string) ([]connectors.File, error) {
	return m.Sift(ctx, dir, func(string, fs.FileMode) bool { return true })
}

// Sift implements connectors.Sifter.
func (m *Memory) Sift(ctx context.Context, dir string, wanted func(name string, kind fs.FileMode) bool) (files []connectors.File, err error) {
	err = m.do(ctx, fmt.Sprintf("list %q", dir), func() error {
		d, err := m.dir(dir)
		if err != nil {
			return err
		}
		for name, n := range d.names {
			if wanted(name, n.mode.Type()) {
				files = append(files, n.file(name))
			}
		}
		return nil
	})
	return files, err
}

// Rename implements connectors.Folder.
func (m *Memory) Rename(ctx context.Context, from, to string) error {
	err := m.do(ctx, fmt.Sprintf("rename %q to %q", from, to), func() error {
		fromDir, fromName, n, err := m.find(from)
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(to, from+"/"):
			return fs.ErrInvalid
		case n.mode.IsDir() && !m.own(from):
			return m.misuse("move of folder %q, which isn't below %q: %w", from, m.Work, fs.ErrPermission)
		case !n.mode.IsDir() && !n.mode.IsRegular():
			return connectors.ErrIrregular
		}
		toDir, toName, err := m.parent(to, true)
		if err != nil {
			return err
		}
		if toDir.names[toName] != nil {
			return fs.ErrExist
		}
		toDir.bind(toName, n)
		fromDir.bind(fromName, nil)
		return nil
	})
	if err == nil {
		m.wake(from, to)
	}
	return err
}

// Remove implements connectors.Folder.
func (m *Memory) Remove(ctx context.Context, name string) error {
	return m.do(ctx, fmt.Sprintf("remove %q", name), func() error {
		if err := checkName(name); err != nil {
			return err
		}
		if !m.own(name) {
			return m.misuse("remove of %q, which isn't below %q: %w", name, m.Work, fs.ErrPermission)
		}
		dir, base, n, err := m.find(name)
		if err != nil {
			return err
		}
		if len(n.names) > 0 {
			return syscall.ENOTEMPTY
		}
		dir.bind(base, nil)
		n.removed = true
		return nil
	})
}

// Sync implements connectors.Folder.
func (m *Memory) Sync(ctx context.Context, dirs ...string) error {
	for _, dir := range dirs {
		err := m.do(ctx, fmt.Sprintf("sync %q", dir), func() error {
			d, err := m.dir(dir)
			if err == nil {
				clear(d.past)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Free implements connectors.Sizer.
func (m *Memory) Free(ctx context.Context) (room int64, err error) {
	err = m.do(ctx, "ask for free space", func() error { room = m.Room; return nil })
	return room, err
}

// Put makes a partner's file, with the folders above it, or writes it anew when it is there.
func (m *Memory) Put(name string, content []byte) {
	m.partner(name, func(dir *node, base string) {
		n := dir.names[base]
		if n == nil {
			n = m.newNode(0o644)
			n.synced = true
			dir.bind(base, n)
		}
		n.write(content)
	})
}

// Special makes a partner's entry that isn't a file: mode says of what kind, fs.ModeDir, ModeSymlink, ModeNamedPipe, ModeSocket.
func (m *Memory) Special(name string, mode fs.FileMode) {
	m.partner(name, func(dir *node, base string) { dir.bind(base, m.newNode(mode|0o755)) })
}

// Take removes a partner's file, as the partner would.
func (m *Memory) Take(name string) {
	m.partner(name, func(dir *node, base string) { dir.bind(base, nil) })
}

// partner does something durably, in the name of somebody else. A wrong name is a wrong test.
func (m *Memory) partner(name string, act func(dir *node, base string)) {
	err := m.do(context.Background(), fmt.Sprintf("partner's %q", name), func() error {
		dir, base, err := m.parent(name, true)
		if err == nil {
			act(dir, base)
			delete(dir.past, base)
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	m.wake(name)
}

// Tree returns all files there are, with their bytes: the state to compare after a test. Empty folders don't show.
func (m *Memory) Tree() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	tree := make(map[string]string)
	m.root.walk("", func(name string, n *node) {
		if n.mode.IsRegular() {
			tree[name] = string(n.data)
		}
	})
	return tree
}

// Kill is the end of the process that uses m: m and all that was opened from it answer ErrGone from now on, and the folder
// that it returns has everything as it was.
func (m *Memory) Kill() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	return &Memory{Work: m.Work, Room: m.Room, root: m.root, serial: m.serial, abuses: m.abuses}
}

// sorted returns the keys in order: draws by lot have to be the same for the same seed.
func sorted[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
