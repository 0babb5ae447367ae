package format

import (
	"sync"

	"github.com/klauspost/compress/zstd"
	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// pageWindow is how far back the compression of a page looks. A page is as large as this, or little larger; the library's 8 MiB would be memory for nothing.
const pageWindow = 512 << 10

// pageZstd compresses pages for Parquet.
type pageZstd struct {
	parquetzstd.Codec // reads them
	idle              sync.Pool
}

func (c *pageZstd) Encode(dst, src []byte) ([]byte, error) {
	e, _ := c.idle.Get().(*zstd.Encoder)
	if e == nil {
		var err error
		e, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(pageWindow), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))
		if err != nil {
			return nil, err
		}
	}
	defer c.idle.Put(e)
	return e.EncodeAll(src, dst[:0]), nil
}

var pagesByZstd pageZstd
