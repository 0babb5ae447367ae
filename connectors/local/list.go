package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// List implements connectors.Folder.
func (f *Folder) List(ctx context.Context, dir string) ([]connectors.File, error) {
	return f.Sift(ctx, dir, func(string, fs.FileMode) bool { return true })
}

// Sift implements connectors.Sifter. The kernel tells a name and its type many at a time, everything else by a call for each name.
func (f *Folder) Sift(ctx context.Context, dir string, wanted func(name string, kind fs.FileMode) bool) ([]connectors.File, error) {
	files, err := f.sift(ctx, dir, wanted)
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, err)
	}
	return files, nil
}

func (f *Folder) sift(ctx context.Context, dir string, wanted func(name string, kind fs.FileMode) bool) ([]connectors.File, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	path, err := f.openDir(dir)
	if err != nil {
		return nil, err
	}
	fd, err := reopen(path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var files []connectors.File
	buffer := make([]byte, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := 0
		err := retry(func() error { n, err = unix.Getdents(fd, buffer); return err })
		if err != nil || n == 0 {
			return files, err
		}
		if files, err = f.appendEntries(files, fd, buffer[:n], wanted); err != nil {
			return nil, err
		}
	}
}

// appendEntries takes entries as getdents64(2) gives them, looks at those that are wanted, and leaves out what is gone again.
func (f *Folder) appendEntries(files []connectors.File, dir int, entries []byte, wanted func(name string, kind fs.FileMode) bool) ([]connectors.File, error) {
	for len(entries) > 0 {
		name, kind, rest, err := cutEntry(entries)
		if err != nil {
			return nil, err
		}
		entries = rest
		if name == "." || name == ".." {
			continue
		}
		mode, known := typeOf(kind)
		if known && !wanted(name, mode) {
			continue
		}
		var st unix.Stat_t
		err = f.look(dir, name, &st)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at %q: %w", name, err)
		}
		if file := fileOf(name, &st); known || wanted(name, file.Mode.Type()) {
			files = append(files, file)
		}
	}
	return files, nil
}

// cutEntry takes one entry off the beginning: inode and position (8 bytes each), its own length (2), the type (1), the name up to a zero.
func cutEntry(entries []byte) (name string, kind byte, rest []byte, err error) {
	const length, header = 16, 19
	if len(entries) <= header {
		return "", 0, nil, errors.New("the kernel gave half an entry")
	}
	size := int(binary.NativeEndian.Uint16(entries[length:]))
	if size <= header || size > len(entries) {
		return "", 0, nil, fmt.Errorf("the kernel gave an entry of %d bytes in %d", size, len(entries))
	}
	text := entries[header:size]
	if end := bytes.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	return string(text), entries[header-1], entries[size:], nil
}

// typeOf is the type of an entry as its listing tells it; not all file systems do.
func typeOf(kind byte) (mode fs.FileMode, known bool) {
	if kind == unix.DT_UNKNOWN {
		return 0, false
	}
	return modeOf(uint32(kind) << 12), true // the types are those of st_mode
}
