package format

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"pgregory.net/rapid"

	"chute/config"
)

// encoded is a charset as tests write it, with x/text's encoders.
type encoded struct {
	name   string
	enc    encoding.Encoding
	letter string // that it has
	bad    string // bytes that it hasn't
	marked bool   // texts in it begin with a mark
}

var encodings = []encoded{
	{"windows-1252", charmap.Windows1252, "é", "\x81", false},
	{"iso-8859-15", charmap.ISO8859_15, "€", "", false},
	{"windows-1253", charmap.Windows1253, "λ", "\xD2", false},
	{"ibm037", charmap.CodePage037, "é", "", false},
	{"utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "😀", "\x00\xDC", false},
	{"utf-16be", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "é", "\xDC\x00", false},
	{"utf-16", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "Ā", "\x00\xDC", true},
	{"utf-16", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "Ā", "\xDC\x00", true},
	{"utf-32le", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), "日", "\x00\x00\x11\x00", false},
	{"utf-32", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), "日", "\xFF\x00\x00\x00", true},
	{"shift_jis", japanese.ShiftJIS, "ソ", "\xFF", false},
	{"euc-jp", japanese.EUCJP, "日", "\xFF", false},
	{"gbk", simplifiedchinese.GBK, "俓", "\xFF", false},
	{"gb18030", simplifiedchinese.GB18030, "é", "\xFF", false},
	{"big5", traditionalchinese.Big5, "功", "\xFF", false},
	{"euc-kr", korean.EUCKR, "한", "\xFF", false},
}

// bytes encodes a text; what isn't UTF-8 in it becomes the charset's bad bytes.
func (e encoded) bytes(t failer, text string) []byte {
	t.Helper()
	var out []byte
	for len(text) > 0 {
		r, width := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && width == 1 {
			out = append(out, e.bad...)
		} else {
			char, err := e.enc.NewEncoder().String(text[:width])
			if err != nil {
				t.Fatalf("%s: %q: %v", e.name, text[:width], err)
			}
			out = append(out, char...)
		}
		text = text[width:]
	}
	return out
}

// Whatever is in UTF-8 is read the same way in every other charset, and comes out in that charset's bytes.
func TestCharsetsAreReadLikeUTF8(t *testing.T) {
	check := func(t *rapid.T) {
		e := rapid.SampledFrom(encodings).Draw(t, "charset")
		f := anyFormat(t)
		in := string(anyText(t, f))
		f.LastLine = "any"
		if e.bad == "" {
			in = strings.ToValidUTF8(in, "?")
		}
		f.Delimiter = strings.ReplaceAll(f.Delimiter, "é", e.letter)
		for i, d := range f.Delimiters {
			f.Delimiters[i] = strings.ReplaceAll(d, "é", e.letter)
		}
		in = strings.TrimPrefix(strings.ReplaceAll(in, "é", e.letter), "\uFEFF")
		if e.marked {
			in = "\uFEFF" + in
		}
		if c, _ := config.FindCharset(e.name); c.Separable() || f.SkipBottom > 0 {
			f.MaxRecord = 1 << 20 // its characters have other lengths
		}
		chunk := rapid.IntRange(1, 150).Draw(t, "chunk")
		want, _ := readAll(t, strings.NewReader(in), f, chunk, 2)
		f.Encoding = e.name
		delivered := e.bytes(t, in)
		got, _ := readAll(t, iotest.HalfReader(bytes.NewReader(delivered)), f, chunk, 2)
		e.translate(t, &want, in)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s, %q, %+v (- UTF-8, + charset):\n%s", e.name, in, f, diff)
		}
	}
	for range 10 {
		rapid.Check(t, check)
	}
}

// translate turns what was read of the UTF-8 text into what is to be read of the encoded one.
func (e encoded) translate(t failer, r *result, in string) {
	r.Preamble, r.Footer, r.Skipped = string(e.bytes(t, r.Preamble)), string(e.bytes(t, r.Footer)), string(e.bytes(t, r.Skipped))
	for i := range r.Records {
		rec := &r.Records[i]
		rec.Raw = string(e.bytes(t, rec.Raw))
		rec.Offset = int64(len(e.bytes(t, in[:rec.Offset])))
	}
}

// TestEveryByteOfCharset reads a record for each byte of each charset of single bytes.
func TestEveryByteOfCharset(t *testing.T) {
	count := 0
	for _, enc := range charmap.All {
		table, ok := enc.(*charmap.Charmap)
		if !ok {
			continue
		}
		name := strings.ToLower(strings.NewReplacer("IBM Code Page ", "ibm", "Windows Code Page ", "ibm00", "Windows ", "windows-", "ISO 8859-6E", "iso-8859-6-e", "ISO 8859-6I", "iso-8859-6-i",
			"ISO 8859-8E", "iso-8859-8-e", "ISO 8859-8I", "iso-8859-8-i", "ISO ", "iso-", "Macintosh Cyrillic", "x-mac-cyrillic").Replace(fmt.Sprint(enc)))
		name = strings.Replace(name, "ibm1140", "ibm01140", 1)
		e := encoded{name: name, enc: enc}
		f := standard()
		f.Encoding, f.EmptyLines = name, "record"
		comma, end := e.bytes(t, ","), e.bytes(t, "\n")
		in := e.bytes(t, "name,n\n")
		first := len(in)
		for b := range 256 {
			in = append(append(append(append(in, byte(b)), comma...), '1'), end...)
			in[len(in)-2] = e.bytes(t, "1")[0]
		}
		got, err := readAll(t, bytes.NewReader(in), f, 64, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		count++
		at := map[int64]found{}
		for _, rec := range got.Records {
			at[rec.Offset] = rec
		}
		for b := range 256 {
			want := table.DecodeByte(byte(b))
			if strings.ContainsRune(",\"\r\n", want) {
				continue
			}
			rec, ok := at[int64(first+4*b)]
			undefined := want == utf8.RuneError || strings.HasPrefix(name, "windows-") && want == rune(b) && b >= 0x80 && b < 0xA0
			switch {
			case !ok, undefined && rec.Code != "bad_encoding", !undefined && (rec.Code != "" || rec.Fields[0] != string(want)):
				t.Errorf("%s: byte %02X is read as %+v, want %q", name, b, rec, want)
			}
		}
	}
	if count < 40 {
		t.Errorf("only %d charsets", count)
	}
}

func TestCharsets(t *testing.T) {
	le := func(s string) string { return string(encodings[4].bytes(t, s)) }
	be := func(s string) string { return string(encodings[5].bytes(t, s)) }
	cases := []struct {
		name, charset string
		in            string
		want          string // records joined by a blank; or the code of the file's rejection
		offset        int64  // of the first bad byte
	}{
		{"UTF-16 with a mark, little end first", "utf-16", "\xFF\xFE" + le("a,b\n1,é\n"), "1|é", 0},
		{"UTF-16 with a mark, big end first", "utf-16", "\xFE\xFF" + be("a,b\n1,é\n"), "1|é", 0},
		{"UTF-16 without its mark", "utf-16", le("a,b\n1,2\n"), "bad_encoding", 0},
		{"UTF-16 of one byte", "utf-16", "a", "bad_encoding", 0},
		{"UTF-16 of no byte", "utf-16", "", "header", 0},
		{"UTF-16LE with its mark", "utf-16le", "\xFF\xFE" + le("a,b\n1,2\n"), "1|2", 0},
		{"UTF-16LE with the mark of the other", "utf-16le", "\xFE\xFF" + be("a,b\n1,2\n"), "bad_encoding", 0},
		{"UTF-16 for UTF-8", "utf-8", "\xFF\xFE" + le("a,b\n"), "bad_encoding", 0},
		{"UTF-8's mark for windows-1252", "windows-1252", "\xEF\xBB\xBFa,b\n", "bad_encoding", 0},
		{"UTF-8's mark for GBK", "gbk", "\xEF\xBB\xBFa,b\n", "bad_encoding", 0},
		{"surrogates", "utf-16le", le("a,b\n1,😀\n"), "1|😀", 0},
		{"second half alone", "utf-16le", le("a,b\n1,") + "\x00\xDE" + le("\n3,4\n"), "[bad_encoding b] 3|4", 12},
		{"first half alone", "utf-16le", le("a,b\n1,") + "\x3D\xD8" + le("\n3,4\n"), "[bad_encoding b] 3|4", 12},
		{"first half at the end", "utf-16le", le("a,b\n1,") + "\x3D\xD8", "[bad_encoding b]", 12},
		{"odd length", "utf-16le", le("a,b\n1,2\n3,4") + "\x0A", "1|2 [bad_encoding b]", 22},
		{"LF as half of a character", "utf-16be", be("a,b\n1,ਊĊ\n"), "1|ਊĊ", 0},
		{"UTF-32 beyond the last character", "utf-32be", "\x00\x00\x00a\x00\x00\x00\n\x00\x11\x00\x00\x00\x00\x00\n", "[bad_encoding a]", 8},
		{"undefined byte", "windows-1252", "a,b\n1,caf\xE9\n1,\x9D\n\"\x80\",2\n", "1|café [bad_encoding b] €|2", 13},
		{"trail byte is the escape character", "shift_jis", "a,b\n\"\x83\x5C\",2\n", "ソ|2", 0},
		{"first byte, then a delimiter", "shift_jis", "a,b\n\x83,2\n3,4\n", "[bad_encoding a] 3|4", 4},
		{"first byte, then a line end", "gbk", "a,b\n1,\x81\n3,4\n", "[bad_encoding b] 3|4", 6},
		{"first byte, then the end", "gbk", "a,b\n1,\x81", "[bad_encoding b]", 6},
		{"four bytes", "gb18030", "a,b\n1,\x94\x39\xDA\x33\n", "1|💩", 0},
		{"four bytes, cut short", "gb18030", "a,b\n1,\x94\x39\xDA", "[bad_encoding b]", 6},
		{"its own U+FFFD", "gb18030", "a,b\n1,\x84\x31\xA4\x37\n", "1|\uFFFD", 0},
		{"UTF-8's own U+FFFD", "utf-8", "a,b\n1,\uFFFD\n", "1|\uFFFD", 0},
		{"two characters for two bytes", "big5", "a,b\n1,\x88\x62\n", "1|Ê̄", 0},
		{"three bytes", "euc-jp", "a,b\n1,\x8F\xB0\xA1\n", "1|丂", 0},
		{"half-width letter", "shift_jis", "a,b\n\xB1,2\n", "ｱ|2", 0},
		{"header", "windows-1252", "\xE9,b\n1\n", "[too_few_fields ]", 0},
		{"bad header", "windows-1252", "\x81,b\n1,2\n", "header", 0},
	}
	for _, c := range cases {
		f := standard()
		f.Encoding, f.Escape = c.charset, "\\"
		for _, chunk := range []int{1, 3, chunkSize} {
			got, _ := readAll(t, iotest.OneByteReader(strings.NewReader(c.in)), f, chunk, 0)
			var all []string
			var offset int64
			total := got.Preamble
			for _, rec := range got.Records {
				all = append(all, shown(rec))
				total += rec.Raw
				if rec.Code == "bad_encoding" && offset == 0 {
					offset = rec.Offset
				}
			}
			have := strings.Join(all, " ")
			if got.Refused != "" {
				have, total = got.Refused, c.in
			}
			if have != c.want || offset != c.offset || total != c.in {
				t.Errorf("%s, chunk %d: %q at %d, want %q at %d; %q", c.name, chunk, have, offset, c.want, c.offset, total)
			}
		}
	}
}

// What people are told of a bad byte are the file's own bytes.
func TestBadBytesAreNamed(t *testing.T) {
	for _, c := range []struct{ charset, in, message, value string }{
		{"utf-8", "a\nx\xE9y\n", "The byte 0xE9 isn't UTF-8.", "x\xE9y"},
		{"windows-1252", "a\n\xE9\x81y\n", "The byte 0x81 isn't windows-1252.", "é\x81y"},
		{"shift_jis", "a\n\x83\x5C\x83 \n", "The byte 0x83 isn't shift_jis.", "ソ\x83 "},
		{"utf-16le", "a\x00\n\x00b\x00\x3D\xD8c\x00\n\x00", "The bytes 0x3DD8 aren't UTF-16LE.", "b\x3D\xD8c"},
	} {
		f := standard()
		f.Encoding = c.charset
		r, err := NewReader(strings.NewReader(c.in), f)
		if err != nil {
			t.Fatal(err)
		}
		var chunk Chunk
		var rec Record
		if err := r.Next(&chunk); err != nil || !chunk.Scan(&rec) || rec.Reason == nil {
			t.Fatalf("%s: %v, %+v", c.charset, err, rec)
		}
		if rec.Reason.Message != c.message || string(rec.Reason.Value) != c.value {
			t.Errorf("%s: %q of %q", c.charset, rec.Reason.Message, rec.Reason.Value)
		}
	}
}

// whole checks that nothing of any bytes is lost in any charset.
func whole(t failer, in []byte, f config.Format, chunk int) {
	t.Helper()
	f.EmptyLines, f.Comment = "record", ""
	got, err := readAll(t, bytes.NewReader(in), f, chunk, 0)
	if err != nil {
		return // the file is rejected
	}
	total := got.Preamble
	for _, rec := range got.Records {
		total += rec.Raw
		for _, field := range rec.Fields {
			if !utf8.ValidString(field) {
				t.Fatalf("%s: the field %q", f.Encoding, field)
			}
		}
	}
	if total += got.Footer; total != string(in) {
		t.Fatalf("%s: %q came back as %q", f.Encoding, in, total)
	}
}

func TestNoByteIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFormat(t)
		f.Delimiter, f.Delimiters, f.Header, f.SkipTop = ";", nil, false, 0
		if f.SkipBottom > 0 {
			f.MaxRecord = 1 << 20
		}
		in := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "in")
		chunk := rapid.IntRange(1, 100).Draw(t, "chunk")
		for _, e := range encodings {
			f.Encoding = e.name
			text := in
			if e.marked {
				text = append(e.bytes(t, "\uFEFF"), in...)
			}
			whole(t, text, f, chunk)
		}
	})
}

func FuzzCharsets(f *testing.F) {
	f.Add([]byte("a;b\n\x83\x5C;\x81\n"), uint8(10), uint8(2))
	f.Add([]byte("\xFF\xFEa\x00;\x00\x3D\xD8\n\x00\x00"), uint8(6), uint8(1))
	f.Add([]byte("\x94\x39\xDA\x33;\x84\x31\xA4\n\x88\x62"), uint8(13), uint8(9))
	f.Fuzz(func(t *testing.T, in []byte, which, chunk uint8) {
		c := standard()
		c.Delimiter, c.Header, c.MaxRecord = ";", false, 40
		c.Encoding = encodings[int(which)%len(encodings)].name
		c.LineEnd = []string{"auto", "any"}[which>>7]
		whole(t, in, c, int(chunk)+1)
	})
}

// What decoders take for granted of charsets of several bytes: ASCII is itself in them.
func TestASCIIInCharsetsOfSeveralBytes(t *testing.T) {
	for _, e := range encodings {
		c, err := findCharset(e.name)
		if err != nil || c.Decoding == nil {
			continue
		}
		m := newMultibyte(c.Decoding)
		for b := range rune(utf8.RuneSelf) {
			if m.one[b] != b {
				t.Errorf("%s: byte %02X is %q", e.name, b, m.one[b])
			}
		}
	}
}
