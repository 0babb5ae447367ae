package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"chute/config"
	"chute/connectors"
)

// standard is the dialect that a job has when it says nothing.
func standard() config.Format {
	return config.Format{Type: "csv", Delimiter: ",", Quote: `"`, Header: true, LineEnd: "auto", Ragged: "reject", EmptyLines: "skip",
		LastLine: "complete", MaxRecord: 16 << 20}
}

// failer is *testing.T or *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// readAll reads everything and checks on the way that no byte is lost or counted twice.
func readAll(t failer, src io.Reader, f config.Format, chunk, width int) (result, error) {
	t.Helper()
	r, err := newReader(src, f, chunk)
	if err != nil {
		return result{Refused: rejectionCode(err)}, err
	}
	return readFrom(t, r, width)
}

// readFrom is readAll with a reader that is at its first record.
func readFrom(t failer, r *Reader, width int) (result, error) {
	t.Helper()
	if r.Header() == nil {
		r.SetWidth(width)
	}
	var err error
	out := result{Preamble: string(r.Preamble()), Header: r.Header()}
	var c Chunk
	var rec Record
	at := int64(len(out.Preamble))
	for {
		if err = r.Next(&c); err != nil {
			break
		}
		if c.offset != at {
			t.Fatalf("a chunk begins at %d, expected %d", c.offset, at)
		}
		at += int64(len(c.Bytes()))
		before := 0
		var s Stretch
		for scan := scanner(t, &c, &s, r.Width()); scan(&rec); {
			start := int(rec.Offset - c.offset)
			if rec.Reason != nil && rec.Reason.Code == "bad_encoding" {
				rec.Offset = rec.Reason.Offset
			}
			out.Skipped += string(c.Bytes()[before:start])
			before = start + len(rec.Raw)
			out.add(&rec)
		}
		out.Skipped += string(c.Bytes()[before:])
	}
	out.Footer, out.Complete, out.Refused = string(r.Footer()), r.Complete(), rejectionCode(err)
	if again := r.Next(&c); again != err || c.Scan(&rec) {
		t.Fatalf("after %v Next says %v", err, again)
	}
	if err == io.EOF {
		err = nil
	}
	return out, err
}

// scanner returns what reads a chunk's records one after the other, taking them in stretches where it can and checking these.
func scanner(t failer, c *Chunk, s *Stretch, width int) func(*Record) bool {
	i := 0
	return func(rec *Record) bool {
		if i == len(s.Starts) {
			if i = 0; !c.Stretch(width, 5, s) {
				s.Starts = s.Starts[:0]
				return c.Scan(rec)
			}
		}
		c.ScanAgain(s, i, rec)
		if rec.Reason != nil || len(rec.Fields) != width {
			t.Fatalf("a record of a stretch is refused or has %d fields: %q", len(rec.Fields), rec.Raw)
		}
		at := s.Starts[i]
		for f, end := range s.Ends[i*width : (i+1)*width] {
			text := string(c.Bytes()[at:end])
			if text != "" && int(text[0]) == s.Quote {
				quote := text[:1]
				text = strings.ReplaceAll(text[1:len(text)-1], quote+quote, quote)
			}
			if text != string(rec.Fields[f]) {
				t.Fatalf("field %d of a stretch is %q, scanned it is %q", f, text, rec.Fields[f])
			}
			at = end + 1
		}
		i++
		return true
	}
}

func (out *result) add(rec *Record) {
	if rec.Continued {
		out.Records[len(out.Records)-1].Raw += string(rec.Raw)
		return
	}
	f := found{Number: rec.Number, Line: rec.Line, Offset: rec.Offset, Raw: string(rec.Raw)}
	if rec.Reason != nil {
		f.Code, f.Column = rec.Reason.Code, rec.Reason.Column
	} else {
		for _, field := range rec.Fields {
			f.Fields = append(f.Fields, string(field))
		}
		f.Quoted = append(f.Quoted, rec.Quoted...)
	}
	out.Records = append(out.Records, f)
}

func rejectionCode(err error) string {
	var r *connectors.Rejection
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

var ignoreColumn = cmp.Options{cmpopts.IgnoreFields(found{}, "Column"), cmpopts.EquateEmpty()}

// sameAsReference compares the reader with the slow one, and checks that nothing of the input is missing.
func sameAsReference(t failer, in []byte, f config.Format, chunk, width int, src io.Reader) {
	t.Helper()
	got, _ := readAll(t, src, f, chunk, width)
	want := readByReference(in, f, width)
	if got.Refused != "" && got.Preamble == "" && got.Refused == want.Refused {
		return
	}
	if diff := cmp.Diff(want, got, ignoreColumn); diff != "" {
		t.Fatalf("input %q, %+v, chunk %d (- reference, + reader):\n%s", in, f, chunk, diff)
	}
	var all strings.Builder
	all.WriteString(got.Preamble)
	for _, rec := range got.Records {
		all.WriteString(rec.Raw)
	}
	all.WriteString(got.Footer)
	if all.Len()+len(got.Skipped) != len(in) || got.Skipped == "" && all.String() != string(in) {
		t.Fatalf("preamble, records and footer are %q, between them is %q, the input is %q", all.String(), got.Skipped, in)
	}
}

func anyFormat(t *rapid.T) config.Format {
	f := config.Format{
		Type:            "csv",
		Delimiter:       rapid.SampledFrom([]string{",", ",", ";", "::", "ab", "aba", "é"}).Draw(t, "delimiter"),
		RepeatDelimiter: rapid.SampledFrom([]bool{false, false, true}).Draw(t, "repeat_delimiter"),
		Quote:           rapid.SampledFrom([]string{`"`, `"`, `"`, "'", ""}).Draw(t, "quote"),
		Escape:          rapid.SampledFrom([]string{"double", "double", "\\", "\\", "^"}).Draw(t, "escape"),
		Comment:         rapid.SampledFrom([]string{"", "", "#", "//"}).Draw(t, "comment"),
		Header:          rapid.Bool().Draw(t, "header"),
		HeaderLines:     rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "header_lines"),
		SkipTop:         rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "skip_top"),
		SkipBottom:      rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "skip_bottom"),
		LineEnd:         rapid.SampledFrom([]string{"auto", "auto", "lf", "crlf", "cr", "any", "any"}).Draw(t, "line_end"),
		Ragged:          rapid.SampledFrom([]string{"reject", "pad", "cut", "fit"}).Draw(t, "ragged"),
		EmptyLines:      rapid.SampledFrom([]string{"skip", "record"}).Draw(t, "empty_lines"),
		Null:            []string{"\\N", "^b"},
		LastLine:        rapid.SampledFrom([]string{"complete", "required"}).Draw(t, "last_line"),
		MaxRecord:       config.Size(rapid.IntRange(16, 60).Draw(t, "max")),
	}
	if rapid.IntRange(0, 2).Draw(t, "several") == 0 {
		f.Delimiters = rapid.SampledFrom([][]string{{";", "|"}, {",", ",,"}, {" ", "\t"}, {"ab", "a", "abab"}, {":", "::", "é"}}).Draw(t, "delimiters")
		f.Delimiter = f.Delimiters[0]
	}
	return f
}

func anyText(t *rapid.T, f config.Format) []byte {
	signs := []string{f.Delimiter, f.Delimiter, f.Quote, f.Quote, f.Quote + f.Quote, f.Quote + f.Delimiter + f.Quote + "x\n", "\n", "\n", "\r\n", "\r", "a", "b", "x y", "é", ":", "\x00", "\xC3", "'"}
	signs = append(signs, f.Delimiters...)
	if f.Escape != "double" {
		signs = append(signs, f.Escape, f.Escape+f.Escape, f.Escape+f.Quote, f.Escape+f.Delimiter, f.Escape+"\n", f.Escape+"\r\n", f.Escape+"N", f.Escape+"b")
	}
	if f.Comment != "" {
		signs = append(signs, f.Comment, "\n"+f.Comment, "\r"+f.Comment+f.Quote)
	}
	n := rapid.IntRange(0, 120).Draw(t, "n")
	text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(signs), n, n).Draw(t, "parts"), "")
	if f.Header && rapid.IntRange(0, 9).Draw(t, "names") > 0 {
		end := map[string]string{"auto": "\r\n", "lf": "\n", "crlf": "\r\n", "cr": "\r", "any": "\r"}[f.LineEnd]
		header := strings.Repeat("p"+f.Delimiter+"q"+end, f.HeaderLines)
		text = strings.Repeat("top"+end, f.SkipTop) + header + text
	}
	if rapid.IntRange(0, 9).Draw(t, "mark") == 0 {
		text = string(byteOrderMark) + text
	}
	return []byte(text)
}

func TestSameAsReference(t *testing.T) {
	readers := []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
		func(r io.Reader) io.Reader { return r }}
	check := func(t *rapid.T) {
		f := anyFormat(t)
		in := anyText(t, f)
		chunk := rapid.IntRange(1, 150).Draw(t, "chunk")
		width := rapid.IntRange(0, 3).Draw(t, "width")
		wrap := rapid.SampledFrom(readers).Draw(t, "reader")
		if f.SkipBottom > 0 {
			f.MaxRecord = 1 << 20 // lines that are too long for what is held back reject the file: tested by itself
		}
		sameAsReference(t, in, f, chunk, width, wrap(bytes.NewReader(in)))
	}
	for range 30 { // of a hundred cases each
		rapid.Check(t, check)
	}
}

func TestEveryChunkSize(t *testing.T) {
	in := "\xEF\xBB\xBFnote\r\na,b,c\r\n1,\"x\r\ny\",3\r\n\r\n4,\"stray,6\r\n7,8,9\n" + strings.Repeat("long", 20) + ",1,2\n10,\"q\"\"q\",12\r\nlast\r\n"
	f := standard()
	f.SkipTop, f.SkipBottom, f.MaxRecord = 1, 1, 64
	for chunk := 1; chunk < len(in)+2; chunk++ {
		sameAsReference(t, []byte(in), f, chunk, 0, strings.NewReader(in))
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("a,b\n1,\"2\n\"\n3,\"4\n5,6\"x\n"), uint8(0), uint8(1))
	f.Add([]byte("a::b\r\n\"1\"::2\r\n\r\nend"), uint8(0x5d), uint8(7))
	f.Add([]byte("a;b\r#no\r\n1\\;;'2\\'\n'\n\r\\N"), uint8(0xf8), uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, bits, chunk uint8) {
		c := config.Format{Type: "csv", Delimiter: []string{",", "::"}[bits&1], Quote: []string{`"`, ""}[bits>>1&1], Header: bits&4 > 0,
			LineEnd: []string{"auto", "lf", "crlf", "cr"}[bits>>3&3], Ragged: []string{"reject", "fit"}[bits>>5&1],
			EmptyLines: []string{"skip", "record"}[bits>>6&1], MaxRecord: 40}
		if chunk&1 > 0 { // the newer keys
			c.Quote, c.Escape, c.Comment, c.Null = "'", "\\", "#", []string{"\\N"}
			c.Delimiter, c.Delimiters = ",", []string{",", ";;", ";"}
			c.RepeatDelimiter = bits&2 > 0
			if bits>>3&3 == 3 {
				c.LineEnd = "any"
			}
		}
		sameAsReference(t, in, c, int(chunk)+1, int(bits>>7)*2, bytes.NewReader(in))
	})
}

func TestReadErrors(t *testing.T) {
	broken := fmt.Errorf("input/output error")
	in := "a,b\n1,2\n3,4\n"
	for n := range len(in) {
		src := io.MultiReader(strings.NewReader(in[:n]), iotest.ErrReader(broken))
		got, err := readAll(t, src, standard(), 4, 0)
		if err != broken {
			t.Fatalf("cut at %d: %v, want the reader's own error", n, err)
		}
		if n > 9 && len(got.Records) != 1 {
			t.Errorf("cut at %d: %d records before the error", n, len(got.Records))
		}
	}
}
