package format

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"

	"chute/connectors"
)

// Content is a file's content without its compression. It gives io.EOF only after the last byte of the file was read and
// every checksum was right. A fault of the file is a *connectors.Rejection; an error of the reader below comes through as it
// is, since it isn't the file's fault.
type Content struct {
	// MaxRatio and Free limit bombs: a file whose content has more than Free bytes and is more than MaxRatio times as
	// large as the file is rejected. They may be changed before the first Read. Defaults: 1000 and 64 MiB.
	MaxRatio int64
	Free     int64
	// Max is the size in bytes that no content may have more of. Default: the largest number.
	Max int64

	kind string
	src  *source
	dec  decoder
	size int64 // bytes given out
	err  error
}

// decoder turns one kind of compressed bytes into their content; its errors are yet to be judged.
type decoder interface {
	io.ReadCloser
	// fault says what an error that isn't the reader's own means.
	fault(err error) *connectors.Rejection
}

// Decompress tells the compression of r by its first bytes when want is "auto" (or empty), and insists on it when want is "none", "gzip" or "zstd".
// The kind returned is what it is. A file
// that isn't compressed as wanted, or in a way that chute can't read, is a *connectors.Rejection.
func Decompress(r io.Reader, want string) (c *Content, kind string, err error) {
	return DecompressSize(r, want, readSize)
}

// readSize is how many bytes of a file are read at a time.
const readSize = 256 << 10

// DecompressSize is Decompress for a file of that many bytes: where it is small the buffer is no larger.
func DecompressSize(r io.Reader, want string, size int64) (c *Content, kind string, err error) {
	src := &source{from: r}
	src.Reader = bufio.NewReaderSize(readerFunc(src.read), int(min(size, readSize)))
	start, _ := src.Peek(10)
	if src.err != nil && src.err != io.EOF {
		return nil, "", src.err
	}
	if kind, err = agree(start, want); err != nil {
		return nil, "", err
	}
	dec, err := newDecoder(kind, src.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("compression %s: %w", kind, err)
	}
	return &Content{MaxRatio: 1000, Free: 64 << 20, Max: math.MaxInt64, kind: kind, src: src, dec: dec}, kind, nil
}

// agree returns the compression of a file that begins so, if it is the wanted one.
func agree(start []byte, want string) (string, error) {
	kind := kindOf(start)
	switch want {
	case "none":
		return "none", nil
	case "", "auto":
		if unreadable := unreadableKind(start); unreadable != "" {
			return "", rejection("unsupported_compression", "The file is compressed with %s, which can't be read here. Use gzip, zstd or none.", unreadable)
		}
		return kind, nil
	case "gzip", "zstd":
		switch {
		case kind == want:
			return kind, nil
		case beginsMagic(want, start):
			return "", truncated(want)
		}
		return "", rejection("not_"+want, "The file isn't compressed with %s, as it must be.", want)
	}
	return "", fmt.Errorf("compression %q: use auto, none, gzip or zstd", want)
}

// Read reads content. Its errors stay.
func (c *Content) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.dec.Read(p)
	c.size += int64(n)
	switch {
	case c.src.err != nil && c.src.err != io.EOF && err != nil:
		c.err = c.src.err
	case err == io.EOF:
		c.err = io.EOF
	case err != nil:
		c.err = c.dec.fault(err)
	case c.size > c.Max:
		c.err = TooLarge(c.Max)
	case c.kind != "none" && c.size > c.Free && c.size/c.MaxRatio > c.src.size:
		c.err = rejection("bomb", "The file's content is more than %d times as large as the file.", c.MaxRatio)
	}
	return n, c.err
}

// Close gives up what decoding needs; it doesn't close the reader below.
func (c *Content) Close() error { return c.dec.Close() }

// source is the file below: it counts, and remembers what the reader really ended with, since decoders put errors into their own words.
type source struct {
	*bufio.Reader
	from io.Reader
	size int64
	err  error
}

func (s *source) read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.size += int64(n)
	if err != nil {
		s.err = err
	}
	return n, err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

var (
	gzipMagic = []byte{0x1F, 0x8B}
	zstdMagic = []byte{0x28, 0xB5, 0x2F, 0xFD}
	skipMagic = []byte{0x2A, 0x4D, 0x18} // after a byte 0x50 to 0x5F: a zstd frame to skip
)

// kindOf tells a compression by a file's first bytes. None of them can begin a text in UTF-8 without control characters.
func kindOf(start []byte) string {
	switch {
	case bytes.HasPrefix(start, gzipMagic):
		return "gzip"
	case bytes.HasPrefix(start, zstdMagic), len(start) >= 4 && start[0]&0xF0 == 0x50 && bytes.Equal(start[1:4], skipMagic):
		return "zstd"
	}
	return "none"
}

// unreadableKind names a compression that is known but not read.
func unreadableKind(start []byte) string {
	switch {
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return "zip"
	case bytes.HasPrefix(start, []byte("\xFD7zXZ\x00")):
		return "xz"
	case bytes.HasPrefix(start, []byte("BZh")) && len(start) == 10 && string(start[4:]) == "1AY&SY":
		return "bzip2"
	}
	return ""
}

// beginsMagic tells whether a file ended before its first bytes were there.
func beginsMagic(kind string, start []byte) bool {
	if kind == "gzip" {
		return bytes.HasPrefix(gzipMagic, start)
	}
	return bytes.HasPrefix(zstdMagic, start)
}

func newDecoder(kind string, r *bufio.Reader) (decoder, error) {
	switch kind {
	case "gzip":
		return &gzipDecoder{src: r}, nil
	case "zstd":
		return newZstd(r)
	}
	return plainDecoder{r}, nil
}

type plainDecoder struct{ *bufio.Reader }

func (plainDecoder) Close() error { return nil }

// fault isn't called: all errors of a plain file are the reader's own.
func (plainDecoder) fault(error) *connectors.Rejection {
	return rejection("corrupt", "The file can't be read.")
}

// TooLarge rejects a file of more bytes, as delivered or unpacked, than may be read.
func TooLarge(most int64) *connectors.Rejection {
	return rejection("too_large", "The file has more than %d bytes.", most)
}

func rejection(code, format string, args ...any) *connectors.Rejection {
	return &connectors.Rejection{Code: code, Message: fmt.Sprintf(format, args...)}
}

func truncated(kind string) *connectors.Rejection {
	return rejection("truncated", "The file ends in the middle of its %s data.", kind)
}

func trailing(kind string) *connectors.Rejection {
	return rejection("trailing_garbage", "After the end of the file's %s data comes something else.", kind)
}
