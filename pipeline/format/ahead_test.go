package format

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestAhead(t *testing.T) {
	broken := errors.New("broken")
	for _, size := range []int{0, 1, aheadSize - 1, aheadSize, aheadSize + 1, 10*aheadSize + 7} {
		in := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		for _, end := range []error{nil, broken} {
			src := io.Reader(bytes.NewReader(in))
			if end != nil {
				src = io.MultiReader(src, iotest.ErrReader(end))
			}
			a := NewAhead(src)
			got, err := io.ReadAll(a)
			if !bytes.Equal(got, in) || err != end {
				t.Errorf("%d bytes, then %v: got %d, %v", size, end, len(got), err)
			}
			if n, again := a.Read(make([]byte, 1)); n != 0 || end != nil && again != end || end == nil && again != io.EOF {
				t.Errorf("again: %d, %v", n, again)
			}
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Close comes back while a file is far from its end, and nothing is read behind it.
func TestAheadClose(t *testing.T) {
	reads := 0
	a := NewAhead(readerFunc(func(p []byte) (int, error) {
		reads++
		return len(p), nil
	}))
	if _, err := io.ReadFull(a, make([]byte, 2*aheadSize)); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if had := reads; had < 2 || had > 2+aheadBlocks {
		t.Errorf("%d blocks were read for 2", had)
	}
}
