package format

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"

	"chute/connectors"
)

// errTrailing says that compressed data is followed by something else.
var errTrailing = errors.New("something follows the compressed data")

// gzipDecoder reads member after member, and knows the difference between a member that is broken and something that isn't one.
type gzipDecoder struct {
	src    *bufio.Reader
	member gzip.Reader
	within bool
}

func (d *gzipDecoder) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if !d.within {
			if err := d.open(); err != nil {
				return 0, err
			}
		}
		n, err := d.member.Read(p)
		if err == io.EOF {
			d.within, err = false, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// open begins the next member; io.EOF means that there is none.
func (d *gzipDecoder) open() error {
	start, err := d.src.Peek(len(gzipMagic))
	switch {
	case len(start) == 0:
		return err
	case !bytes.HasPrefix(gzipMagic, start) && !bytes.HasPrefix(start, gzipMagic):
		return errTrailing
	}
	if err := d.member.Reset(d.src); err == io.EOF {
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	d.member.Multistream(false)
	d.within = true
	return nil
}

func (d *gzipDecoder) Close() error { return nil }

func (d *gzipDecoder) fault(err error) *connectors.Rejection {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return truncated("gzip")
	case errors.Is(err, errTrailing):
		return trailing("gzip")
	case errors.Is(err, gzip.ErrChecksum):
		return rejection("corrupt", "The file's gzip data has a wrong checksum.")
	}
	return rejection("corrupt", "The file's gzip data is damaged.")
}
