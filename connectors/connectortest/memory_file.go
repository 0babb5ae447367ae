package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"chute/connectors"
)

// Open implements connectors.Folder.
func (m *Memory) Open(ctx context.Context, name string) (open connectors.OpenFile, err error) {
	err = m.do(ctx, fmt.Sprintf("open %q", name), func() error {
		_, base, n, err := m.find(name)
		if err != nil {
			return err
		}
		if !n.mode.IsRegular() {
			return connectors.ErrIrregular
		}
		open = &memoryOpen{memory: m, node: n, name: base}
		return nil
	})
	return open, err
}

// memoryOpen reads what the file has now, as a real one would: a partner who writes on is seen.
type memoryOpen struct {
	memory *Memory
	node   *node
	name   string

	mu     sync.Mutex // guards at and closed
	at     int64
	closed bool
}

func (o *memoryOpen) Read(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, err := o.reader()
	if err != nil {
		return 0, err
	}
	if _, err := r.Seek(o.at, 0); err != nil {
		return 0, err
	}
	n, err := r.Read(p)
	o.at += int64(n)
	return n, err
}

func (o *memoryOpen) ReadAt(p []byte, at int64) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, err := o.reader()
	if err != nil {
		return 0, err
	}
	return r.ReadAt(p, at)
}

// reader is called with mu held.
func (o *memoryOpen) reader() (*bytes.Reader, error) {
	if o.closed {
		return nil, fs.ErrClosed
	}
	var r *bytes.Reader
	err := o.memory.do(context.Background(), "read", func() error { r = bytes.NewReader(o.node.data); return nil })
	return r, err
}

func (o *memoryOpen) Stat() (file connectors.File, err error) {
	err = o.memory.do(context.Background(), "look at open file", func() error { file = o.node.file(o.name); return nil })
	return file, err
}

func (o *memoryOpen) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	return nil
}

// Create implements connectors.Folder.
func (m *Memory) Create(ctx context.Context, name string) (pending connectors.PendingFile, err error) {
	err = m.do(ctx, fmt.Sprintf("create %q", name), func() error {
		if err := checkName(name); err != nil {
			return err
		}
		if !m.own(name) {
			return m.misuse("create of %q, which isn't below %q: %w", name, m.Work, fs.ErrPermission)
		}
		dir, base, err := m.parent(name, true)
		if err != nil {
			return err
		}
		n := m.newNode(0o600)
		p := &memoryPending{memory: m, node: n, dir: dir, temp: fmt.Sprintf(".pending-%d", n.serial), base: base, name: name}
		dir.bind(p.temp, n)
		pending = p
		return nil
	})
	return pending, err
}

// CreateAll implements connectors.Filer. The files get their names one after the other, and all of it is durable at the end only.
func (m *Memory) CreateAll(ctx context.Context, files []connectors.NewFile) error {
	made := make([]*memoryPending, 0, len(files))
	for _, file := range files {
		pending, err := m.Create(ctx, file.Name)
		if err != nil {
			return err
		}
		defer pending.Discard()
		if _, err := pending.Write(file.Content); err != nil {
			return err
		}
		if err := pending.Commit(ctx); err != nil {
			return err
		}
		made = append(made, pending.(*memoryPending))
		made[len(made)-1].node.synced = false // until the one sync for all
	}
	return m.do(ctx, fmt.Sprintf("sync %d new files", len(made)), func() error {
		for _, p := range made {
			p.node.synced = true
			delete(p.dir.past, p.base)
		}
		return nil
	})
}

type memoryPending struct {
	memory *Memory
	node   *node
	dir    *node
	temp   string
	base   string
	name   string
	ended  bool // committed or given up; guarded by memory.mu
}

func (p *memoryPending) Write(b []byte) (int, error) {
	err := p.memory.do(context.Background(), fmt.Sprintf("write %q", p.name), func() error {
		if p.ended {
			return p.memory.misuse("write to %q after its end: %w", p.name, fs.ErrClosed)
		}
		p.node.data = append(p.node.data, b...)
		p.node.changed = time.Now()
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

func (p *memoryPending) Commit(ctx context.Context) error {
	return p.memory.do(ctx, fmt.Sprintf("commit %q", p.name), func() error {
		switch {
		case p.ended:
			return p.memory.misuse("commit of %q after its end: %w", p.name, fs.ErrClosed)
		case p.dir.names[p.temp] != p.node || p.dir != p.memory.root && p.dir.links == 0:
			return fs.ErrNotExist
		case p.dir.names[p.base] != nil:
			return fs.ErrExist
		}
		p.ended = true
		p.node.synced = true
		p.node.mode = 0o640
		p.dir.bind(p.base, p.node)
		p.dir.bind(p.temp, nil)
		return nil
	})
}

func (p *memoryPending) Discard() error {
	return p.memory.do(context.Background(), fmt.Sprintf("discard %q", p.name), func() error {
		if p.ended {
			return nil
		}
		p.ended = true
		if p.dir.names[p.temp] == p.node {
			p.dir.bind(p.temp, nil)
			p.node.removed = true
		}
		return nil
	})
}
