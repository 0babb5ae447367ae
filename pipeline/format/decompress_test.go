package format

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"chute/connectors"
)

var text = []byte(strings.Repeat("id,name\n1,Zoë\n2,\"a\nb\"\n", 40))

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Name = "orders.csv"
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

var packers = map[string]func(testing.TB, []byte) []byte{"gzip": gzipped, "zstd": zstded}

func unpack(r io.Reader, want string) (kind string, content []byte, err error) {
	c, kind, err := Decompress(r, want)
	if err != nil {
		return "", nil, err
	}
	defer c.Close()
	content, err = io.ReadAll(c)
	return kind, content, err
}

func TestDecompress(t *testing.T) {
	for kind, pack := range packers {
		half := len(text) / 2
		several := append(append(pack(t, text[:half]), pack(t, nil)...), pack(t, text[half:])...)
		for _, packed := range [][]byte{pack(t, text), several} {
			for _, want := range []string{"auto", "", kind} {
				for _, r := range []io.Reader{bytes.NewReader(packed), iotest.OneByteReader(bytes.NewReader(packed)), iotest.DataErrReader(bytes.NewReader(packed))} {
					if got, content, err := unpack(r, want); err != nil || got != kind || !bytes.Equal(content, text) {
						t.Errorf("%s, wanted %q: %s, %d bytes, %v", kind, want, got, len(content), err)
					}
				}
			}
		}
		if got, content, err := unpack(bytes.NewReader(several), "none"); err != nil || got != "none" || !bytes.Equal(content, several) {
			t.Errorf("%s read as it is: %s, %d bytes, %v", kind, got, len(content), err)
		}
	}
	for _, in := range []string{"", "a", "a,b\n", "PK", "BZh,9\n", "P*,x"} {
		if got, content, err := unpack(strings.NewReader(in), "auto"); err != nil || got != "none" || string(content) != in {
			t.Errorf("%q: %s, %q, %v", in, got, content, err)
		}
	}
}

// Cut anywhere, a compressed file is rejected, whatever was read before.
func TestTruncatedAnywhere(t *testing.T) {
	for kind, pack := range packers {
		one := pack(t, text)
		whole := append(append([]byte(nil), one...), one...)
		for n := range len(whole) {
			_, content, err := unpack(bytes.NewReader(whole[:n]), kind)
			if n == len(one) {
				if err != nil {
					t.Errorf("%s: one whole part: %v", kind, err)
				}
			} else if rejectionCode(err) != "truncated" {
				t.Errorf("%s cut at %d: %d bytes, %v", kind, n, len(content), err)
			}
			if n >= 4 && n != len(one) {
				if _, _, err := unpack(bytes.NewReader(whole[:n]), "auto"); rejectionCode(err) != "truncated" {
					t.Errorf("%s cut at %d, found out by content: %v", kind, n, err)
				}
			}
		}
	}
}

// Any single wrong byte is found out, or changes nothing that counts (a gzip header has a name and a time).
func TestDamagedAnywhere(t *testing.T) {
	for kind, pack := range packers {
		whole := pack(t, text)
		refused := 0
		for n := range whole {
			bad := bytes.Clone(whole)
			bad[n] ^= 0x55
			_, content, err := unpack(bytes.NewReader(bad), kind)
			switch {
			case err == nil && !bytes.Equal(content, text):
				t.Errorf("%s with byte %d changed: read without an error, and wrong", kind, n)
			case err != nil && rejectionCode(err) == "":
				t.Errorf("%s with byte %d changed: %v is no rejection", kind, n, err)
			case err != nil:
				refused++
			}
		}
		if refused < len(whole)-40 {
			t.Errorf("%s: only %d of %d damages were found out", kind, refused, len(whole))
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	garbage := func(kind, tail string) []byte { return append(packers[kind](t, text), tail...) }
	sum := gzipped(t, text)
	sum[len(sum)-8] ^= 1
	cases := []struct {
		name, want, code string
		in               []byte
	}{
		{"text as gzip", "gzip", "not_gzip", text},
		{"text as zstd", "zstd", "not_zstd", text},
		{"zstd as gzip", "gzip", "not_gzip", zstded(t, text)},
		{"gzip and text", "auto", "trailing_garbage", garbage("gzip", "a,b\n")},
		{"gzip and zeros", "auto", "trailing_garbage", garbage("gzip", "\x00\x00\x00")},
		{"gzip and one byte", "auto", "trailing_garbage", garbage("gzip", "\n")},
		{"zstd and text", "auto", "trailing_garbage", garbage("zstd", "a,b\n")},
		{"zstd and gzip", "auto", "trailing_garbage", append(zstded(t, text), gzipped(t, text)...)},
		{"checksum", "auto", "corrupt", sum},
		{"zip", "auto", "unsupported_compression", []byte("PK\x03\x04\x14\x00")},
		{"xz", "auto", "unsupported_compression", []byte("\xFD7zXZ\x00\x00\x04")},
		{"bzip2", "auto", "unsupported_compression", []byte("BZh91AY&SY\x00")},
		{"window of 1 GiB", "auto", "window_too_large", []byte("\x28\xB5\x2F\xFD\x00\xA0\x01\x00\x00")},
	}
	for _, c := range cases {
		if _, _, err := unpack(bytes.NewReader(c.in), c.want); rejectionCode(err) != c.code {
			t.Errorf("%s: %v, expected %s", c.name, err, c.code)
		}
	}
	if _, _, err := Decompress(bytes.NewReader(text), "lzma"); err == nil || rejectionCode(err) != "" {
		t.Errorf("an unknown setting: %v", err)
	}
}

// What isn't the file's fault must not reject it.
func TestReaderErrorsStay(t *testing.T) {
	broken := errors.New("input/output error")
	for kind, pack := range packers {
		packed := pack(t, text)
		for n := range len(packed) + 1 {
			src := io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(broken))
			if _, _, err := unpack(src, kind); err != broken {
				t.Fatalf("%s, error after %d bytes: %v", kind, n, err)
			}
		}
	}
	src := io.MultiReader(bytes.NewReader(text), iotest.ErrReader(broken))
	if _, _, err := unpack(src, "auto"); err != broken {
		t.Errorf("plain: %v", err)
	}
}

func TestBomb(t *testing.T) {
	zeros := make([]byte, 4<<20)
	for kind, pack := range packers {
		c, _, err := Decompress(bytes.NewReader(pack(t, zeros)), "auto")
		if err != nil {
			t.Fatal(err)
		}
		c.Free, c.MaxRatio = 1<<20, 100
		n, err := io.Copy(io.Discard, c)
		if rejectionCode(err) != "bomb" || n > 3<<20 {
			t.Errorf("%s: %d bytes, %v", kind, n, err)
		}
		if _, _, err := unpack(bytes.NewReader(pack(t, zeros)), "auto"); err != nil {
			t.Errorf("%s: 4 MiB of zeros are no bomb by themselves: %v", kind, err)
		}
	}
}

// Whatever size a file is said to have, its content is given out whole: the size is for the buffer only.
func TestDecompressSize(t *testing.T) {
	text := bytes.Repeat([]byte("1,some text\n"), 1000)
	packers := maps.Clone(packers)
	packers["none"] = func(_ testing.TB, content []byte) []byte { return content }
	for kind, pack := range packers {
		packed := pack(t, text)
		for _, size := range []int64{0, 1, int64(len(packed)), 1 << 40} {
			c, is, err := DecompressSize(bytes.NewReader(packed), "auto", size)
			if err != nil || is != kind {
				t.Fatalf("%s, size %d: %q, %v", kind, size, is, err)
			}
			if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s, size %d: %d bytes of %d, %v", kind, size, len(got), len(text), err)
			}
			c.Close()
		}
	}
}

// TestTooLarge: whatever the ratio, there is an end.
func TestTooLarge(t *testing.T) {
	packers := maps.Clone(packers)
	packers["none"] = func(_ testing.TB, content []byte) []byte { return content }
	text := bytes.Repeat([]byte("1,some text\n"), 100_000)
	for kind, pack := range packers {
		for _, surplus := range []int{0, 1} {
			c, _, err := Decompress(bytes.NewReader(pack(t, text)), kind)
			if err != nil {
				t.Fatal(err)
			}
			c.Max = int64(len(text) - surplus)
			_, err = io.Copy(io.Discard, c)
			if surplus == 0 && err != nil || surplus == 1 && rejectionCode(err) != "too_large" {
				t.Errorf("%s: %d bytes too many: %v", kind, surplus, err)
			}
		}
	}
}

// FuzzDecompress compares with other decoders: content is given out whole and only when they make the same of the file, and every fault is the file's.
func FuzzDecompress(f *testing.F) {
	for _, packed := range [][]byte{text, gzipped(f, text[:24]), zstded(f, text[:24]), append(gzipped(f, nil), gzipped(f, text)...), append(zstded(f, text), 0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 'x'), {0x1F}, {0x28, 0xB5}} {
		f.Add(packed, uint8(0), uint8(3))
		f.Add(packed, uint8(1), uint8(0))
	}
	f.Fuzz(func(t *testing.T, packed []byte, wanted, piece uint8) {
		want := []string{"auto", "none", "gzip", "zstd"}[wanted&3]
		const free = 1 << 20
		c, kind, err := Decompress(pieces{bytes.NewReader(packed), int(piece) + 1}, want)
		var content []byte
		if err == nil {
			c.Free = free
			content, err = io.ReadAll(c)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var rejection *connectors.Rejection
		if err != nil && (!errors.As(err, &rejection) || rejection.Code == "" || rejection.Message == "") {
			t.Fatalf("a fault of the file gives %v", err)
		}
		if rejection != nil && (rejection.Code == "bomb" || rejection.Code == "window_too_large") {
			return
		}
		if kind == "gzip" && rejection != nil && reservedFlags(packed) {
			return // which the standard library overlooks
		}
		other, otherErr := unpackOtherwise(packed, kind)
		if kind != "" && (err == nil) != (otherErr == nil) || err == nil && !bytes.Equal(content, other) {
			t.Fatalf("%s %x: %q, %v, otherwise %q, %v", kind, packed, content, err, other, otherErr)
		}
	})
}

// reservedFlags tells whether there may be a gzip header with flags that mustn't be there.
func reservedFlags(packed []byte) bool {
	for i := 3; i < len(packed); i++ {
		if bytes.Equal(packed[i-3:i], []byte{0x1F, 0x8B, 8}) && packed[i] >= 0x20 {
			return true
		}
	}
	return false
}

// unpackOtherwise uses the standard library, and of the only zstd library that there is the part that works in memory.
func unpackOtherwise(packed []byte, kind string) ([]byte, error) {
	switch kind {
	case "gzip":
		r, err := stdgzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case "zstd":
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return d.DecodeAll(packed, nil)
	}
	return packed, nil
}

// pieces gives at most size bytes at a time.
type pieces struct {
	from io.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error) { return p.from.Read(b[:min(len(b), p.size)]) }
