package sftp

import (
	"context"
	"fmt"
	"io"

	"chute/connectors"
)

// Fetch implements connectors.Fetcher.
func (f *Folder) Fetch(ctx context.Context, name string, seen connectors.File, to io.WriterAt, offset int64) (int64, error) {
	n, err := f.fetch(ctx, name, seen, to, offset)
	if err != nil {
		return n, fmt.Errorf("fetch %q: %w", name, err)
	}
	return n, nil
}

func (f *Folder) fetch(ctx context.Context, name string, seen connectors.File, to io.WriterAt, offset int64) (int64, error) {
	o, err := f.open(ctx, name)
	if err != nil {
		return offset, err
	}
	defer o.Close() // it was only read
	now, err := o.stat(ctx)
	if err != nil {
		return offset, err
	}
	if err := unchanged(seen, now); err != nil {
		return offset, err
	}
	if offset < 0 || offset > seen.Size {
		return offset, fmt.Errorf("byte %d of a file of %d", offset, seen.Size)
	}
	offset, err = o.copy(ctx, to, offset, seen.Size)
	if err != nil {
		return offset, err
	}
	return offset, f.prove(ctx, o, name, seen)
}

// copy copies up to the size that the file had, and says how far it came.
func (o *openFile) copy(ctx context.Context, to io.WriterAt, offset, size int64) (int64, error) {
	width, packet := o.line.width(o.folder.config.Window), int64(o.line.packet)
	buffers := make([][]byte, width)
	parts := int((size - offset + packet - 1) / packet)
	part, err := inOrder(width, parts, func(part, worker int) error {
		at := offset + int64(part)*packet
		if buffers[worker] == nil {
			buffers[worker] = make([]byte, packet)
		}
		p := buffers[worker][:min(packet, size-at)]
		n, err := o.readPacket(ctx, p, at)
		if err == io.EOF {
			return fmt.Errorf("it ends after %d bytes of %d: %w", at+int64(n), size, connectors.ErrChanged)
		}
		if err != nil {
			return err
		}
		_, err = to.WriteAt(p, at)
		return err
	})
	return min(offset+int64(part)*packet, size), err
}

// prove looks whether the file is still what it was, under its handle and under its name, and whether it ends where its size says.
func (f *Folder) prove(ctx context.Context, o *openFile, name string, seen connectors.File) error {
	n, err := o.readPacket(ctx, make([]byte, 1), seen.Size)
	if err == nil || n > 0 {
		return fmt.Errorf("it goes on after %d bytes: %w", seen.Size, connectors.ErrChanged)
	}
	if err != io.EOF {
		return err
	}
	now, err := o.stat(ctx)
	if err != nil {
		return err
	}
	if err := unchanged(seen, now); err != nil {
		return err
	}
	if now, err = f.lstat(ctx, name); err != nil {
		return err
	}
	return unchanged(seen, now)
}

func unchanged(seen, now connectors.File) error {
	switch {
	case !now.Regular():
		return connectors.ErrIrregular
	case now.Size != seen.Size:
		return fmt.Errorf("it has %d bytes and had %d: %w", now.Size, seen.Size, connectors.ErrChanged)
	case !now.ModTime.Truncate(grain).Equal(seen.ModTime.Truncate(grain)):
		return fmt.Errorf("its time is %v and was %v: %w", now.ModTime.UTC(), seen.ModTime.UTC(), connectors.ErrChanged)
	}
	return nil
}
