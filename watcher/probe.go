package watcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"chute/config"
	"chute/connectors"
)

// finding is what came of looking at a file at the moment when it is about to be taken. The zero finding: take it.
type finding struct {
	hold    State  // Unreadable, BeingWritten, Unfinished, or 0
	detail  string // an error's text
	changed bool   // it isn't what the last look showed: look again
}

// probe opens a file that is at rest, to see that it can be taken: that it still is what the look showed, can be read, has an
// end to its last line (when wantEnd) and isn't open for writing. Asking that last leaves the least time for a writer.
func probe(ctx context.Context, folder connectors.Folder, name string, seen connectors.File, wantEnd bool) finding {
	opened, err := folder.Open(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return finding{changed: true}
	case errors.Is(err, fs.ErrPermission):
		return finding{hold: Unreadable, detail: fmt.Sprintf("%v: let chute read the file", err)}
	case err != nil:
		return finding{hold: Unreadable, detail: err.Error()}
	}
	found := examine(opened, seen, wantEnd)
	if err := opened.Close(); err != nil && found == (finding{}) {
		found = finding{hold: Unreadable, detail: err.Error()}
	}
	if found != (finding{}) {
		return found
	}
	if seer, ok := folder.(connectors.WriterSeer); ok {
		// An error means that it can't be told: then rest alone has to do.
		if writing, err := seer.BeingWritten(ctx, name); err == nil && writing {
			return finding{hold: BeingWritten}
		}
	}
	return finding{}
}

// examine looks at the open file.
func examine(opened connectors.OpenFile, seen connectors.File, wantEnd bool) finding {
	now, err := opened.Stat()
	if err != nil {
		return finding{hold: Unreadable, detail: err.Error()}
	}
	if now.Name = seen.Name; !now.Same(seen) {
		return finding{changed: true}
	}
	if !wantEnd || seen.Size == 0 {
		return finding{}
	}
	ended, err := endsItsLine(opened, seen.Size)
	switch {
	case err != nil:
		return finding{hold: Unreadable, detail: err.Error()}
	case !ended:
		return finding{hold: Unfinished}
	}
	return finding{}
}

// wantsLineEnd tells whether a file of the job is a text that ends with a line end when it is complete.
func wantsLineEnd(format config.Format) bool {
	switch format.Type {
	case "", "csv", "tsv", "fixed", "jsonl":
		return format.LastLine != "any" && (format.Compression == "" || format.Compression == "auto" || format.Compression == "none")
	}
	return false
}

// packed are the first bytes of what isn't text: gzip, zstd, bzip2, xz, zip, lz4.
var packed = [][]byte{
	{0x1f, 0x8b}, {0x28, 0xb5, 0x2f, 0xfd}, []byte("BZh"), {0xfd, '7', 'z', 'X', 'Z', 0}, []byte("PK\x03\x04"), {0x04, 0x22, 0x4d, 0x18},
}

// endsItsLine tells whether a text of that size ends with LF or CR, in one byte or, for UTF-16, two. What is compressed isn't a text and passes.
func endsItsLine(text io.ReaderAt, size int64) (bool, error) {
	var buffer [6]byte
	head, err := readAt(text, buffer[:min(size, int64(len(buffer)))], 0)
	if err != nil {
		return false, err
	}
	for _, magic := range packed {
		if bytes.HasPrefix(head, magic) {
			return true, nil
		}
	}
	tail, err := readAt(text, buffer[:min(size, 2)], max(size-2, 0))
	if err != nil {
		return false, err
	}
	if size%2 == 0 && tail[len(tail)-1] == 0 { // UTF-16, low byte first
		tail = tail[:len(tail)-1]
	}
	last := tail[len(tail)-1]
	return last == '\n' || last == '\r', nil
}

// readAt fills b or fails.
func readAt(r io.ReaderAt, b []byte, offset int64) ([]byte, error) {
	if n, err := r.ReadAt(b, offset); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("reading %d bytes at %d: %w", len(b), offset, err)
	}
	return b, nil
}
