package format

import (
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"

	"chute/connectors"
)

// maxWindow bounds what a zstd file may make us remember; it is what the zstd program accepts without being asked for more.
const maxWindow = 128 << 20

// zstdDecoder reads frame after frame on the goroutine that reads from it.
type zstdDecoder struct{ *zstd.Decoder }

func newZstd(r io.Reader) (decoder, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	return zstdDecoder{d}, err
}

func (d zstdDecoder) Close() error {
	d.Decoder.Close()
	return nil
}

func (d zstdDecoder) fault(err error) *connectors.Rejection {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return truncated("zstd")
	case errors.Is(err, zstd.ErrMagicMismatch): // the first frame's magic was looked at before
		return trailing("zstd")
	case errors.Is(err, zstd.ErrCRCMismatch):
		return rejection("corrupt", "The file's zstd data has a wrong checksum.")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return rejection("window_too_large", "The file's zstd data needs a window of more than %d MiB.", maxWindow>>20)
	}
	return rejection("corrupt", "The file's zstd data is damaged.")
}
