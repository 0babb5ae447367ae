package reject

import (
	"bufio"
	"context"
	"fmt"

	"chute/connectors"
)

// file is a pending file with a buffer.
type file struct {
	pending connectors.PendingFile
	buf     *bufio.Writer
	name    string
}

func (f *file) open() bool { return f.pending != nil }

func (f *file) create(ctx context.Context, folder creator, name string) error {
	pending, err := folder.Create(ctx, name)
	if err != nil {
		return fmt.Errorf("create reject file %q: %w", name, err)
	}
	f.pending, f.buf, f.name = pending, bufio.NewWriterSize(pending, 64<<10), name
	return nil
}

func (f *file) write(b []byte) error {
	if _, err := f.buf.Write(b); err != nil {
		return fmt.Errorf("write reject file %q: %w", f.name, err)
	}
	return nil
}

func (f *file) commit(ctx context.Context) error {
	err := f.buf.Flush()
	if err == nil {
		err = f.pending.Commit(ctx)
	}
	if err != nil {
		return fmt.Errorf("finish reject file %q: %w", f.name, err)
	}
	return nil
}

func (f *file) discard() error {
	if !f.open() {
		return nil
	}
	pending := f.pending
	f.pending = nil
	if err := pending.Discard(); err != nil {
		return fmt.Errorf("discard reject file %q: %w", f.name, err)
	}
	return nil
}
