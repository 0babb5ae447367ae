package reject

import (
	"context"
	"io"

	"chute/connectors"
)

// NewList returns a Writer that writes only the list of reasons, to out, and each with the name of its file: for looking at a file without handing
// anything back. What Finish says was made is of no meaning then.
func NewList(out io.Writer, fileName string, maxDetails int) *Writer {
	w := New(nil, "", fileName, maxDetails)
	w.folder, w.file = stream{out}, fileName
	w.ReasonsOnly()
	return w
}

// stream is an output in the place of a folder with one pending file.
type stream struct{ out io.Writer }

func (s stream) Create(context.Context, string) (connectors.PendingFile, error) { return s, nil }

func (s stream) Write(b []byte) (int, error) { return s.out.Write(b) }

func (stream) Commit(context.Context) error { return nil }

func (stream) Discard() error { return nil }
