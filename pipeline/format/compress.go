package format

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compress returns a writer that compresses into out: "none", "gzip" or "zstd". Closing it ends the compressed data and leaves out open. What it makes of
// the same bytes is the same: no time and no name is in it.
func Compress(out io.Writer, kind string) (io.WriteCloser, error) {
	switch kind {
	case "none":
		return uncompressed{out}, nil
	case "gzip":
		return gzip.NewWriter(out), nil
	case "zstd":
		return zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
	}
	return nil, fmt.Errorf("%q can't be written; none, gzip and zstd can", kind)
}

type uncompressed struct{ io.Writer }

func (uncompressed) Close() error { return nil }
