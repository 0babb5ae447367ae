package connectortest

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sync"

	"chute/connectors"
)

// waker is one Wake that goes on.
type waker struct {
	ctx  context.Context
	dirs []string
	mu   sync.Mutex // held while call runs
	call func()
}

// Wake implements connectors.Waker. The call comes from the goroutine that changed something, so there is nothing to wait for in a test.
func (m *Memory) Wake(ctx context.Context, dirs []string, wake func()) (refresh func(), err error) {
	err = m.do(ctx, "watch", func() error {
		m.wakers = append(m.wakers, &waker{ctx: ctx, dirs: slices.Clone(dirs), call: wake})
		return nil
	})
	return func() {}, err
}

// wake tells those who watch a folder of one of names. It is called without mu: they may look at once.
func (m *Memory) wake(names ...string) {
	m.mu.Lock()
	wakers := slices.Clone(m.wakers)
	m.mu.Unlock()
	for _, w := range wakers {
		watched := slices.ContainsFunc(names, func(name string) bool { return slices.Contains(w.dirs, path.Dir(name)) })
		if !watched || w.ctx.Err() != nil {
			continue
		}
		w.mu.Lock()
		w.call()
		w.mu.Unlock()
	}
}

// BeingWritten implements connectors.WriterSeer: it says what SetWriting said.
func (m *Memory) BeingWritten(ctx context.Context, name string) (writing bool, err error) {
	err = m.do(ctx, fmt.Sprintf("look for writers of %q", name), func() error {
		_, _, n, err := m.find(name)
		if err != nil {
			return err
		}
		if !n.mode.IsRegular() {
			return connectors.ErrIrregular
		}
		writing = n.writing
		return nil
	})
	return writing, err
}

// SetWriting says whether a partner has the file open for writing.
func (m *Memory) SetWriting(name string, writing bool) {
	m.partner(name, func(dir *node, base string) { dir.names[base].writing = writing })
}
