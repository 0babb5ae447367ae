package format

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chute/config"
)

// drawRecords draws text of records that are mostly as they should be, long enough for many blocks.
func drawRecords(t *rapid.T, f config.Format) []byte {
	q := f.Quote
	piece := rapid.SampledFrom([]string{"a", "1234567", "some longer text that fills more than half a block of bytes", "", " ", "é", q + q, q + "x" + q, q + "," + q, q + "\n" + q,
		q + "say " + q + q + "hello" + q + q + q, q + q + q + q, q + "\r\n" + q, "\r"})
	odd := rapid.SampledFrom([]string{q, "x" + q, q + "x" + q + "y", "\xff", "\x00", q + "\xff" + q, q + strings.Repeat("z", 300), "\r\r"})
	end := rapid.SampledFrom([]string{"\n", "\n", "\n", "\r\n", "\n\n", "\n\r\n"})
	var b bytes.Buffer
	for range rapid.IntRange(1, 60).Draw(t, "records") {
		for i := range rapid.SampledFrom([]int{3, 3, 3, 3, 3, 3, 2, 4}).Draw(t, "fields") {
			if i > 0 {
				b.WriteString(f.Delimiter)
			}
			if rapid.IntRange(0, 80).Draw(t, "odd") == 0 {
				b.WriteString(odd.Draw(t, "field"))
			} else {
				b.WriteString(piece.Draw(t, "field"))
			}
		}
		b.WriteString(end.Draw(t, "end"))
	}
	text := b.Bytes()
	return text[:len(text)-rapid.IntRange(0, min(len(text), 3)).Draw(t, "cut")]
}

// The sweep changes nothing but the time.
func TestSweepSameAsSplitter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := standard()
		f.Header = false
		f.Delimiter = rapid.SampledFrom([]string{",", ",", "\t", "|"}).Draw(t, "delimiter")
		f.Quote = rapid.SampledFrom([]string{`"`, `"`, `"`, "'", ""}).Draw(t, "quote")
		f.LineEnd = rapid.SampledFrom([]string{"auto", "auto", "lf", "cr"}).Draw(t, "line_end")
		f.EmptyLines = rapid.SampledFrom([]string{"skip", "record"}).Draw(t, "empty_lines")
		f.Encoding = rapid.SampledFrom([]string{"", "", "windows-1252"}).Draw(t, "encoding")
		f.Ragged = rapid.SampledFrom([]string{"reject", "fit"}).Draw(t, "ragged")
		f.SkipBottom = rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "skip_bottom")
		f.MaxRecord = config.Size(rapid.SampledFrom([]int{120, 1 << 20}).Draw(t, "max_record"))
		sameWithoutSweep(t, drawRecords(t, f), f, rapid.SampledFrom([]int{64, 200, 700, 1 << 20}).Draw(t, "chunk"))
	})
}

// FuzzSweep: neither is there any text for which it isn't so.
func FuzzSweep(f *testing.F) {
	f.Add([]byte("a,b\n1,\"2\n\"\n3,\"4\n5,6\"x\n"+strings.Repeat("1,\"x, \"\"y\"\"\"\r\n", 20)), uint8(0), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, bits, chunk uint8) {
		c := standard()
		c.Header, c.MaxRecord = false, 300
		c.Quote, c.LineEnd = []string{`"`, ""}[bits&1], []string{"auto", "lf", "cr"}[bits>>1%3]
		sameWithoutSweep(t, in, c, 16*int(chunk)+1)
	})
}

func sameWithoutSweep(t failer, in []byte, f config.Format, chunk int) {
	t.Helper()
	var got [2]result
	for i, sweeps := range []bool{false, true} {
		r, err := newReader(bytes.NewReader(in), f, chunk)
		if err != nil {
			return // it begins with another charset's mark
		}
		if r.split.sweeps = r.split.sweeps && sweeps; r.split.sweeps != sweeps {
			t.Fatalf("%+v isn't swept", f)
		}
		got[i], _ = readFrom(t, r, 3)
	}
	if diff := cmp.Diff(got[0], got[1]); diff != "" {
		t.Fatalf("input %q, %+v, chunk %d (- without the sweep, + with it):\n%s", in, f, chunk, diff)
	}
}

// A file of good records goes through the sweep and through stretches; both would be useless if they left much to others.
func TestSweepTakesNearlyAll(t *testing.T) {
	in := strings.Repeat("1234567,\"some \"\"text\"\", here\r\nand there\",12.50\r\n", 100_000)
	f := standard()
	f.Header = false
	r, err := NewReader(strings.NewReader(in), f)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWidth(3)
	var c Chunk
	var s Stretch
	var rec Record
	alone := 0
	for r.Next(&c) == nil {
		for c.Stretch(3, 1000, &s) {
		}
		for c.Scan(&rec) {
			alone++
		}
	}
	if alone > 20 {
		t.Errorf("%d of 100,000 records were cut one by one", alone)
	}
}
