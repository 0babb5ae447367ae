package connectortest

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"time"

	"chute/connectors"
)

// node is a file, a folder or something else in a Memory.
type node struct {
	serial  uint64
	mode    fs.FileMode
	changed time.Time
	links   uint64

	data    []byte
	synced  bool // data is durable
	removed bool // taken away for good, not only renamed
	writing bool // somebody has it open for writing

	names map[string]*node // of a folder
	// past has, for each name that changed since the folder's last Sync, what it stood for: then, and after each change. nil stands
	// for nothing. A power cut leaves any of them.
	past map[string][]*node
}

func (m *Memory) newNode(mode fs.FileMode) *node {
	m.serial++
	n := &node{serial: m.serial, mode: mode, changed: time.Now()}
	if mode.IsDir() {
		n.names = make(map[string]*node)
		n.past = make(map[string][]*node)
	}
	return n
}

// bind lets name stand for n, or for nothing.
func (d *node) bind(name string, n *node) {
	old := d.names[name]
	if d.past[name] == nil {
		d.past[name] = []*node{old}
	}
	d.past[name] = append(d.past[name], n)
	if old != nil {
		old.links--
	}
	if n == nil {
		delete(d.names, name)
		return
	}
	n.links++
	d.names[name] = n
}

// write replaces a file's bytes. It makes a new slice: readers may be at the old one.
func (n *node) write(content []byte) {
	n.data = append([]byte(nil), content...)
	n.changed = time.Now()
}

func (n *node) file(name string) connectors.File {
	return connectors.File{Name: name, Size: int64(len(n.data)), ModTime: n.changed, Inode: n.serial, Links: n.links, Mode: n.mode}
}

// walk visits everything below d, in the order of names.
func (d *node) walk(prefix string, visit func(name string, n *node)) {
	for _, name := range sorted(d.names) {
		n := d.names[name]
		visit(prefix+name, n)
		n.walk(prefix+name+"/", visit)
	}
}

func (m *Memory) own(name string) bool { return strings.HasPrefix(name, m.Work+"/") }

func checkName(name string) error {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return fmt.Errorf("not a plain relative name: %w", fs.ErrInvalid)
		}
		if len(part) > 255 {
			return syscall.ENAMETOOLONG
		}
	}
	return nil
}

// dir finds a folder without following links.
func (m *Memory) dir(name string) (*node, error) { return m.descend(name, false) }

// descend is dir that makes what is missing, durably, if it is to.
func (m *Memory) descend(name string, missing bool) (*node, error) {
	if name == "." {
		return m.root, nil
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	d, here := m.root, ""
	for part := range strings.SplitSeq(name, "/") {
		next := d.names[part]
		here = path.Join(here, part)
		switch {
		case next == nil && missing:
			next = m.newNode(fs.ModeDir | m.dirMode(here))
			d.bind(part, next)
			delete(d.past, part)
		case next == nil:
			return nil, fs.ErrNotExist
		case next.mode&fs.ModeSymlink != 0:
			return nil, fmt.Errorf("%q is a link: %w", part, fs.ErrInvalid)
		case !next.mode.IsDir():
			return nil, syscall.ENOTDIR
		}
		d = next
	}
	return d, nil
}

func (m *Memory) dirMode(name string) fs.FileMode {
	if name == m.Work || m.own(name) {
		return 0o700
	}
	return 0o750
}

// parent finds, or makes, the folder of name.
func (m *Memory) parent(name string, missing bool) (dir *node, base string, err error) {
	if err := checkName(name); err != nil {
		return nil, "", err
	}
	above, base := path.Split(name)
	if above == "" {
		return m.root, base, nil
	}
	dir, err = m.descend(strings.TrimSuffix(above, "/"), missing)
	return dir, base, err
}

// find finds what name stands for.
func (m *Memory) find(name string) (dir *node, base string, n *node, err error) {
	dir, base, err = m.parent(name, false)
	if err != nil {
		return nil, "", nil, err
	}
	if n = dir.names[base]; n == nil {
		return nil, "", nil, fs.ErrNotExist
	}
	return dir, base, n, nil
}
