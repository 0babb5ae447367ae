package format

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"chute/config"
)

func TestLargeRecord(t *testing.T) {
	const size = 10 << 20
	long := `1,"` + strings.Repeat("line \"\"of\"\" text\n", size/17) + "\",3\n"
	in := "a,b,c\n" + long + "4,5,6\n"
	for _, src := range []io.Reader{strings.NewReader(in), iotest.HalfReader(strings.NewReader(in)), iotest.DataErrReader(strings.NewReader(in))} {
		got, err := readAll(t, src, standard(), chunkSize, 0)
		if err != nil || len(got.Records) != 2 {
			t.Fatalf("%d records, %v", len(got.Records), err)
		}
		if rec := got.Records[0]; rec.Raw != long || rec.Fields[1] != strings.Repeat("line \"of\" text\n", size/17) {
			t.Error("the long record isn't what it was")
		}
		if rec := got.Records[1]; shown(rec) != "4|5|6" || rec.Line != 3+size/17 {
			t.Errorf("after it: %q in line %d", shown(rec), rec.Line)
		}
	}
}

// A line of any length is passed on in pieces, and the memory for it stays that of the longest record.
func TestEndlessLine(t *testing.T) {
	const size = 40 << 20
	f := standard()
	f.MaxRecord = 1 << 20
	line := io.LimitReader(endless('x'), size)
	r, err := NewReader(io.MultiReader(strings.NewReader("a,b\n1,2\n"), line, strings.NewReader("\r\n3,4\n")), f)
	if err != nil {
		t.Fatal(err)
	}
	var c Chunk
	var rec Record
	var bytes, pieces int
	var seen []string
	for err = r.Next(&c); err == nil; err = r.Next(&c) {
		for c.Scan(&rec) {
			switch {
			case rec.Reason == nil:
				seen = append(seen, string(rec.Raw))
			case rec.Number != 2 || rec.Line != 3 || rec.Reason.Code != "record_too_long" || rec.Continued != (pieces > 0):
				t.Fatalf("a piece of record %d, line %d: %+v", rec.Number, rec.Line, rec.Reason)
			default:
				pieces++
				bytes += len(rec.Raw)
			}
		}
		if cap(c.buf) > 6<<20 || cap(r.buf) > 4<<20 {
			t.Fatalf("a chunk of %d and a buffer of %d bytes", cap(c.buf), cap(r.buf))
		}
	}
	if err != io.EOF || bytes != size+2 || len(seen) != 2 || rec.Number != 3 || rec.Line != 4 {
		t.Errorf("%v: %d bytes in pieces, good records %q, the last is %d in line %d", err, bytes, seen, rec.Number, rec.Line)
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestFooterTooLong(t *testing.T) {
	f := standard()
	f.SkipBottom, f.MaxRecord = 1, 1<<16
	_, err := readAll(t, io.MultiReader(strings.NewReader("a,b\n1,2\n"), io.LimitReader(endless('x'), 8<<20)), f, chunkSize, 0)
	if rejectionCode(err) != "record_too_long" {
		t.Errorf("%v", err)
	}
}

// Files made so that each line begins a search to the far end must not cost more than their length. Without the splitter's memory
// each of these would take hours.
func TestHostileFilesTakeLinearTime(t *testing.T) {
	const size = 1 << 20
	for name, c := range map[string]struct {
		line      string
		delimiter string
		max       config.Size // below the file's size a search ends for its length, above it at the file's end
	}{
		"every line opens and closes": {"a\",\"\n", ",", 1 << 18},
		"the same to the file's end":  {"a\",\"\n", ",", 1 << 24},
		"every line opens":            {"\"a\n", ",", 1 << 18},
		"odd quotes":                  {"x,\"\"\"a\n", ",", 1 << 24},
		"doubled for ever":            {"x,\"\n\"\"\"\"\n", ",", 1 << 18},
		"long delimiter":              {"a\"::\"\n", "::", 1 << 18},
		"quotes everywhere":           {"a\"a\"a\"a\"a\"a\"", "::", 1 << 24},
		"half a delimiter":            {":\":\":", "::", 1 << 24},
		"only escapes":                {"\\", ",", 1 << 24},
		"escapes and quotes":          {"\"\\\n", ",", 1 << 18},
		"escaped line ends":           {"a\",\"\\\n", ",", 1 << 24},
		"only CR":                     {"\r", ",", 1 << 24},
		"CR, LF":                      {"\"\r\r\n", ",", 1 << 18},
	} {
		for i, set := range []func(*config.Format){
			func(*config.Format) {},
			func(f *config.Format) { f.Escape, f.LineEnd = "\\", "any" },
			func(f *config.Format) { f.LineEnd, f.Delimiters = "any", []string{c.delimiter, ";;", "a"} },
			func(f *config.Format) { f.Escape, f.LineEnd, f.Encoding = "\\", "cr", "gb18030" },
		} {
			f := standard()
			f.Header, f.Delimiter, f.MaxRecord = false, c.delimiter, c.max
			set(&f)
			in := strings.Repeat(c.line, size/len(c.line))
			if i > 0 {
				in = in[:size/4] // it would take minutes still
			}
			start := time.Now()
			readFast(t, strings.NewReader(in), f)
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("%s, %+v: %v for %d bytes", name, f, took, len(in))
			}
		}
	}
	// Lines that open, then one without any end: each search stops within it, a little later each time.
	f := standard()
	f.Header, f.MaxRecord = false, 1<<20
	for _, delimiter := range []string{",", "::"} {
		f.Delimiter = delimiter
		in := strings.Repeat("a\""+delimiter+"\"\n", 1<<16) + "\"" + delimiter + strings.Repeat("x\"", 1<<19)
		readFast(t, strings.NewReader(in), f)
	}
}

// readFast reads without keeping anything and returns how many records were good.
func readFast(t testing.TB, src io.Reader, f config.Format) (good int) {
	t.Helper()
	r, err := NewReader(src, f)
	if err != nil {
		t.Fatal(err)
	}
	var c Chunk
	var rec Record
	for err = r.Next(&c); err == nil; err = r.Next(&c) {
		for c.Scan(&rec) {
			if rec.Reason == nil {
				good++
			}
		}
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	return good
}

func TestNoAllocationPerRecord(t *testing.T) {
	text := strings.Repeat("1,two,\"thr\"\"ee\"\n4,five,6\n", 50000)
	for name, set := range map[string]func(*config.Format){
		"plain": func(*config.Format) {},
		"windows-1252": func(f *config.Format) {
			f.Encoding = "windows-1252"
			text = strings.ReplaceAll(text, "five", "f\xEFve")
		},
		"shift_jis": func(f *config.Format) {
			f.Encoding = "shift_jis"
			text = strings.ReplaceAll(text, "f\xEFve", "\x83\x5C")
		},
		"any line end": func(f *config.Format) { f.LineEnd = "any" },
		"escapes":      func(f *config.Format) { f.Escape = "\\"; text = strings.ReplaceAll(text, "\"\"", "\\\"") },
		"several delimiters, repeated": func(f *config.Format) {
			f.Delimiters, f.RepeatDelimiter = []string{",", ",,", ";"}, true
		},
	} {
		plain := text
		f := standard()
		set(&f)
		in := "a,b,c\n" + text
		text = plain
		var c Chunk
		var rec Record
		allocations := testing.AllocsPerRun(3, func() {
			r, err := NewReader(strings.NewReader(in), f)
			if err != nil {
				t.Fatal(err)
			}
			for r.Next(&c) == nil {
				for c.Scan(&rec) {
					if rec.Reason != nil {
						t.Fatalf("%s: %s", name, rec.Reason.Message)
					}
				}
			}
		})
		if allocations > 100 {
			t.Errorf("%s: %v allocations for 100,000 records", name, allocations)
		}
	}
}

// Comments of any length, also before the header, take no more memory than records.
func TestEndlessComments(t *testing.T) {
	f := standard()
	f.Comment, f.MaxRecord = "#", 1<<20
	r, err := NewReader(io.MultiReader(strings.NewReader("a,b\n#"), io.LimitReader(endless('x'), 20<<20), strings.NewReader("\n1,2\n")), f)
	if err != nil {
		t.Fatal(err)
	}
	var c Chunk
	var rec Record
	for err = r.Next(&c); err == nil; err = r.Next(&c) {
		for c.Scan(&rec) {
			if rec.Number != 1 || rec.Line != 3 || rec.Offset != 5+20<<20+1 || rec.Reason != nil {
				t.Fatalf("record %d in line %d at %d", rec.Number, rec.Line, rec.Offset)
			}
		}
		if cap(c.buf) > 6<<20 || cap(r.buf) > 4<<20 {
			t.Fatalf("a chunk of %d and a buffer of %d bytes", cap(c.buf), cap(r.buf))
		}
	}
	if err != io.EOF || rec.Number != 1 {
		t.Errorf("%v after record %d", err, rec.Number)
	}
	for _, before := range []string{strings.Repeat("\n", 1<<16), strings.Repeat("#\n", 1<<16), "#" + strings.Repeat("x", 2<<20)} {
		src := io.LimitReader(repeating(before), maxBefore+8<<20)
		if _, err := NewReader(io.MultiReader(src, strings.NewReader("\na,b\n")), f); rejectionCode(err) != "header" {
			t.Errorf("without end before the header, %.4q: %v", before, err)
		}
	}
}

// repeating gives a text again and again.
func repeating(text string) io.Reader {
	r := strings.NewReader(text)
	return readerFunc(func(p []byte) (int, error) {
		if r.Len() == 0 {
			r.Reset(text)
		}
		return r.Read(p)
	})
}

// BenchmarkCharsets reads the same text in other charsets, and with other dialects.
func BenchmarkCharsets(b *testing.B) {
	ascii := "1234567,2024-01-31,some text here,12.50,Paris,FR,77,0.25,true,8812\n"
	for name, c := range map[string]struct {
		line string
		set  func(*config.Format)
	}{
		"UTF-8, ASCII":         {ascii, func(*config.Format) {}},
		"UTF-8":                {strings.ReplaceAll(ascii, "Paris", "Zürich"), func(*config.Format) {}},
		"windows-1252, ASCII":  {ascii, func(f *config.Format) { f.Encoding = "windows-1252" }},
		"windows-1252":         {strings.ReplaceAll(ascii, "Paris", "Z\xFCrich"), func(f *config.Format) { f.Encoding = "windows-1252" }},
		"UTF-16":               {string(encodings[4].bytes(b, ascii)), func(f *config.Format) { f.Encoding = "utf-16le" }},
		"GBK":                  {strings.ReplaceAll(ascii, "some text here", strings.Repeat("\x81\x40", 7)), func(f *config.Format) { f.Encoding = "gbk" }},
		"escapes":              {ascii, func(f *config.Format) { f.Escape = "\\" }},
		"any line end":         {ascii, func(f *config.Format) { f.LineEnd = "any" }},
		"several delimiters":   {ascii, func(f *config.Format) { f.Delimiters = []string{",", ";"} }},
		"repeated, one of two": {ascii, func(f *config.Format) { f.RepeatDelimiter = true }},
	} {
		f := standard()
		f.Header = false
		c.set(&f)
		in := []byte(strings.Repeat(c.line, 16<<20/len(c.line)))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				readFast(b, bytes.NewReader(in), f)
			}
		})
	}
}

func BenchmarkReader(b *testing.B) {
	for name, line := range map[string]string{
		"plain":  "1234567,2024-01-31,some text here,12.50,Paris,FR,77,0.25,true,8812\n",
		"quoted": "1234567,\"2024-01-31\",\"some \"\"text\"\" here\",12.50,\"Paris\",FR,77,0.25,true,8812\n",
	} {
		in := []byte("a,b,c,d,e,f,g,h,i,j\n" + strings.Repeat(line, 64<<20/len(line)))
		b.Run(name+"/split", func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				r, err := NewReader(bytes.NewReader(in), standard())
				if err != nil {
					b.Fatal(err)
				}
				var c Chunk
				for r.Next(&c) == nil {
				}
			}
		})
		b.Run(name+"/split and scan", func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				readFast(b, bytes.NewReader(in), standard())
			}
		})
	}
}
