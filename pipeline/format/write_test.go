package format

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chute/config"
)

// null stands for NULL in the records of these tests.
var null = []byte("NULL")

func written(t interface{ Fatal(...any) }, format string, fields []Field, records ...[][]byte) string {
	w, err := NewWriter(format, fields)
	if err != nil {
		t.Fatal(err)
	}
	dst := w.Head(nil)
	for _, r := range records {
		for i, text := range r {
			dst = w.Begin(dst, i)
			start := len(dst)
			isNull := len(text) > 0 && &text[0] == &null[0]
			if !isNull {
				dst = append(dst, text...)
			}
			dst = w.End(dst, i, start, isNull)
		}
	}
	return string(dst)
}

func TestWriters(t *testing.T) {
	fields := []Field{{Name: "a"}, {Name: `b,"c`, Nullable: true}, {Name: "n", Bare: true}, {Name: "l", Escaped: true}}
	text := func(s ...string) (record [][]byte) {
		for _, f := range s {
			record = append(record, []byte(f))
		}
		return record
	}
	records := [][][]byte{text("", "", "1", ""), text("x,y", "say \"hi\"", "-2", `['a\n','b']`), text("l1\r\nl2", "t\tb\\", "0", ""), {[]byte("\x00'"), null, []byte("3"), null}}
	for format, want := range map[string]string{
		"csv": "a,\"b,\"\"c\",n,l\n,\"\",1,\n\"x,y\",\"say \"\"hi\"\"\",-2,\"['a\\n','b']\"\n\"l1\r\nl2\",t\tb\\,0,\n\x00',,3,\n",
		"tsv": "\t\t1\t\nx,y\tsay \"hi\"\t-2\t['a\\n','b']\nl1\\r\\nl2\tt\\tb\\\\\t0\t\n\\0\\'\t\\N\t3\t\\N\n",
	} {
		if got := written(t, format, fields, records...); got != want {
			t.Errorf("%s:\n got %q\nwant %q", format, got, want)
		}
	}
	lines := written(t, "jsonl", fields, text("1", `"x"`, "2", "[1]"), [][]byte{null, null, null, null})
	if want := "{\"a\":1,\"b,\\\"c\":\"x\",\"n\":2,\"l\":[1]}\n{\"a\":null,\"b,\\\"c\":null,\"n\":null,\"l\":null}\n"; lines != want {
		t.Errorf("jsonl:\n got %q\nwant %q", lines, want)
	}
	if one := written(t, "csv", []Field{{Name: ""}}, text("")); one != "\"\"\n\"\"\n" {
		t.Errorf("one empty column: %q", one)
	}
	if _, err := NewWriter("xml", nil); err == nil || !strings.Contains(err.Error(), `"xml"`) {
		t.Errorf("xml: %v", err)
	}
}

// TestWrittenNull: what isn't NULL isn't written as if it were, whatever its column is, as long as its texts can be that word; and a header is kept from being a formula as texts are.
func TestWrittenNull(t *testing.T) {
	fields := []Field{{Name: "=a"}, {Name: "b", Nullable: true}, {Name: "c", Bare: true}}
	columns := []Column{
		{Text: []byte("nan=1nan1"), Spans: [][2]uint32{{0, 3}, {3, 5}}}, {Text: []byte("nan"), Spans: [][2]uint32{{0, 3}, {0, 0}}, Nulls: []byte{0, 1}},
		{Text: []byte("nan1"), Spans: [][2]uint32{{0, 3}, {3, 4}}},
	}
	for quote, want := range map[string]string{`"`: "'=a,b,c\n\"nan\",\"nan\",\"nan\"\n'=1,nan,1\n", "": ""} {
		w, err := NewExportWriter(&config.ExportFormat{
			Type: "csv", Delimiter: ",", Quote: quote, Escape: "double", Header: true, LineEnd: "lf", Null: "nan", GuardFormulas: true,
		}, fields)
		if err != nil {
			t.Fatal(err)
		}
		got := string(AppendRows(w, w.Head(nil), columns, 2, true, nil))
		if err := w.Err(); want == "" && !errors.Is(err, ErrUnquoted) || want != "" && (err != nil || got != want) {
			t.Errorf("quote %q: %q, %v; want %q", quote, got, err, want)
		}
	}
}

// TestMayBeBare: columns of bare texts are looked into for the word for NULL only where one can be it.
func TestMayBeBare(t *testing.T) {
	for word, want := range map[string]bool{
		"": false, `\N`: false, "NULL": false, "null": false, "n/a": false, "(0)": false,
		"nan": true, "-inf": true, "false": true, "-1": true, "1e-7": true, "0000-00-00 00:00:00": true, "::": true, "-": true,
	} {
		w := newDelimitedWriter(&config.ExportFormat{Delimiter: ",", Quote: `"`, Escape: "double", LineEnd: "lf", Null: word}, []Field{{Bare: true}, {Bare: true, Styled: true}, {}})
		quick := asIs
		if want {
			quick = careful
		}
		if want := []way{quick, careful, asNeeded}; !slices.Equal(w.ways, want) {
			t.Errorf("%q: written as %v, want %v", word, w.ways, want)
		}
	}
}

// TestWrittenCSVIsReadBack: whatever the fields are, another reader finds them again; and so does our own.
func TestWrittenCSVIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(t, "width")
		fields := make([]Field, width)
		for i := range fields {
			fields[i].Name = rapid.StringMatching(`[a-z",]{1,4}`).Draw(t, "name") + string(rune('0'+i))
		}
		field := rapid.StringOf(rapid.SampledFrom([]rune("ab ,\"'\n\t;\\é")))
		records := rapid.SliceOfN(rapid.SliceOfN(field, width, width), 0, 5).Draw(t, "records")
		var bytesOf [][][]byte
		for _, r := range records {
			var record [][]byte
			for _, f := range r {
				record = append(record, []byte(f))
			}
			bytesOf = append(bytesOf, record)
		}
		text := written(t, "csv", fields, bytesOf...)
		have, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(have) != len(records)+1 || !slices.EqualFunc(have[1:], records, slices.Equal[[]string]) {
			t.Fatalf("%q is read as %q (%v)", text, have, err)
		}
	})
	got, err := readAll(t, strings.NewReader(written(t, "csv", []Field{{Name: "a"}, {Name: "b"}}, [][]byte{[]byte("x\"\n,"), []byte("")}, [][]byte{{}, {}})), standard(), chunkSize, 0)
	if err != nil || len(got.Records) != 2 || got.Records[0].Fields[0] != "x\"\n," || got.Records[1].Fields[1] != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestWrittenTSVIsReadBack undoes the escapes in the slow, obvious way.
func TestWrittenTSVIsReadBack(t *testing.T) {
	undo := strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r", `\b`, "\b", `\f`, "\f", `\0`, "\x00", `\'`, "'")
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(rapid.SliceOf(rapid.SampledFrom([]byte("aN\\\t\n\r\b\f\x00'\xff"))), 1, 3).Draw(t, "fields")
		text := written(t, "tsv", make([]Field, len(fields)), fields)
		line, ended := strings.CutSuffix(text, "\n")
		var have [][]byte
		for _, f := range strings.Split(line, "\t") {
			have = append(have, []byte(undo.Replace(f)))
		}
		if !ended || strings.Contains(line, "\n") || !slices.EqualFunc(have, fields, bytes.Equal) {
			t.Fatalf("%q is read as %q", text, have)
		}
	})
}

func TestWrittenNamesAreJSON(t *testing.T) {
	name := "a\"<\u2028\n"
	var back map[string]int
	if err := json.Unmarshal([]byte(written(t, "jsonl", []Field{{Name: name}}, [][]byte{[]byte("1")})), &back); err != nil || back[name] != 1 {
		t.Errorf("%v, %v", back, err)
	}
}

func TestWritersAllocateNothing(t *testing.T) {
	for _, format := range []string{"csv", "tsv", "jsonl"} {
		w, err := NewWriter(format, []Field{{Name: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		dst, text := make([]byte, 0, 100), []byte("a\"\t\n,")
		if n := testing.AllocsPerRun(10, func() {
			dst = w.Begin(dst[:0], 0)
			start := len(dst)
			dst = w.End(append(dst, text...), 0, start, false)
		}); n > 0 {
			t.Errorf("%s: %v allocations", format, n)
		}
	}
}
