package format

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chute/config"
)

// dialectCase is a text and what is read from it: records in the words of shown, joined by a blank, or the code of the file's rejection.
type dialectCase struct {
	set    func(*config.Format)
	in     string
	want   string
	header string // joined by |; not looked at when empty
	begin  string // the preamble; not looked at when empty
	end    string // the footer
}

func ragged(how string) func(*config.Format) {
	return func(f *config.Format) { f.Ragged = how }
}

func escaping(f *config.Format) { f.Escape = "\\" }

func hash(f *config.Format) { f.Comment = "#" }

func lineEnd(how string) func(*config.Format) {
	return func(f *config.Format) { f.LineEnd = how }
}

// dialectCases has for each rule of testdata/dialect.md what shows it.
var dialectCases = map[string][]dialectCase{
	"quoted_field": {
		{in: "a,b\n\"x,y\",\"1\r\n2\n3\"\r\n\"\",\n", want: "x,y|1\r\n2\n3 |"},
	},
	"another_quote": {
		{set: func(f *config.Format) { f.Quote = "'" }, in: "a,b\n'x,''y',\"z\"\n", want: `x,'y|"z"`},
		{set: func(f *config.Format) { f.Quote = "§"; f.Encoding = "iso-8859-1" }, in: "a,b\n\xA7x,y\xA7,z\n", want: "x,y|z"},
	},
	"no_quote": {
		{set: func(f *config.Format) { f.Quote = "" }, in: "a,b\n\"x,y\"\n", want: `"x|y"`},
	},
	"quote_in_the_middle": {
		{in: "a,b\n5\" pipe,x\"\n1, \"y\"\n", want: `5" pipe|x" 1| "y"`},
	},
	"doubled_quote": {
		{in: "a,b\n\"the \"\"big\"\" one\",\"\"\"\"\n\"\"\"\",\"\"\n", want: `the "big" one|" "|`},
	},
	"text_after_quote": {
		{in: "a,b\n\"x\"y,1\n\"x\" ,1\n2,3\n", want: "[text_after_quote a] [text_after_quote a] 2|3"},
	},
	"unclosed_quote": {
		{in: "a,b\n1,\"x\n2,3\n4,5\n", want: "[unclosed_quote b] 2|3 4|5"},
		{set: escaping, in: "a,b\n1,\"x\\\"\n2,3\n", want: "[unclosed_quote b] 2|3"},
	},
	"escape_character": {
		{set: escaping, in: "a,b\n\"x\\\"y\",\"\\\\\"\n", want: `x"y|\`},
		{set: escaping, in: "a,b\nx\\,y,\\\"z\n\\x,\\\\\n", want: `x,y|"z x|\`},
		{set: escaping, in: "a,b\n\"x\"\"y\",1\n2,3\n", want: "[text_after_quote a] 2|3"},
		{set: func(f *config.Format) { f.Escape, f.Quote = "^", "" }, in: "a,b\nx^,^^,\"\n", want: `x,^|"`},
		{set: func(f *config.Format) { f.Escape, f.Encoding = "\\", "shift_jis" }, in: "a,b\n\x83\x5C,\\,\n", want: "ソ|,"},
	},
	"escaped_line_end": {
		{set: escaping, in: "a,b\n\"x\\\ny\",1\n2,3\\\n4,5\\\r\n6,7\\", want: "x\ny|1 [dangling_escape b] [dangling_escape b] [dangling_escape b]"},
	},
	"escaped_null": {
		{set: func(f *config.Format) { f.Escape, f.Null = "\\", []string{"\\N"} }, in: "a,b\n\\N,\"\\N\"\nN,x\\N\n", want: `\N|N N|xN`},
	},
	"long_delimiter": {
		{set: func(f *config.Format) { f.Delimiter = "<|>" }, in: "a<|>b\n\"1<|>2\"<|><|\n", want: "1<|>2|<|"},
	},
	"several_delimiters": {
		{set: func(f *config.Format) { f.Delimiters = []string{";", "\t"} }, in: "a;b\n1\t\"x;y\"\n\"2\"\t,\n", want: "1|x;y 2|,"},
		{set: func(f *config.Format) { f.Delimiters = []string{":", "::", ":::"} }, in: "a:b\n1::2\n\"1\":::2\n1::::2\n", want: "1|2 1|2 [too_many_fields ]"},
	},
	"repeated_delimiters": {
		{set: func(f *config.Format) { f.Delimiters, f.RepeatDelimiter = []string{" ", "\t"}, true }, in: "a    b\n  1 \t 2  \n\"\" \"x y\"\n3\n",
			want: "1|2 |x y [too_few_fields ]"},
		{set: func(f *config.Format) { f.Delimiter, f.RepeatDelimiter = ";", true }, in: "a;;b;\n;;;\n1;;;2\n", want: "[too_few_fields ] 1|2", header: "a|b"},
	},
	"comments": {
		{set: hash, in: "a,b\n# a \"note\n1,2#\n#\r\n\"x\n#y\",#3\n #,4\n", want: "1|2# x\n#y|#3  #|4"},
		{set: func(f *config.Format) { f.Comment, f.MaxRecord = "--", 16 }, in: "a,b\n--" + strings.Repeat("x", 100) + "\n1,2\n-,3\n--", want: "1|2 -|3"},
	},
	"comments_before_the_header": {
		{set: hash, in: "#x\n\n#\"y\na,b\n#z\n1\n", want: "[too_few_fields ]", begin: "#x\n\n#\"y\na,b\n", header: "a|b"},
	},
	"header_at_line": {
		{set: func(f *config.Format) { f.SkipTop, f.Comment = 3, "#" }, in: "Report \"of\n\n2024\n\n#\na,b\n1,2\n", want: "1|2", begin: "Report \"of\n\n2024\n\n#\na,b\n", header: "a|b"},
		{set: func(f *config.Format) { f.SkipTop = 3 }, in: "a,b\n1,2\n", want: "header"},
	},
	"header_of_several_lines": {
		{set: func(f *config.Format) { f.HeaderLines = 2 }, in: "Price,,Qty\nEUR,\"US\nD\",\n1,2,3\n", want: "1|2|3", header: "Price EUR|US\nD|Qty", begin: "Price,,Qty\nEUR,\"US\nD\",\n"},
		{set: func(f *config.Format) { f.HeaderLines = 3 }, in: "a,b\n\nc,d\ne,f\n1,2\n", want: "1|2", header: "a c e|b d f"},
		{set: func(f *config.Format) { f.HeaderLines = 2 }, in: "a,b\nc\n1,2\n", want: "header"},
		{set: func(f *config.Format) { f.HeaderLines = 2 }, in: "a,b\n", want: "header"},
		{set: func(f *config.Format) { f.HeaderLines = 2 }, in: "a,\nb,\n", want: "header"},
	},
	"no_header": {
		{set: func(f *config.Format) { f.Header = false }, in: "a,b\n1,2\n", want: "a|b 1|2"},
	},
	"names_twice": { // who asks for which is the mapping's business
		{in: "a,b,a\n1,2,3\n", want: "1|2|3", header: "a|b|a"},
	},
	"header_only": {
		{in: "a,b\n", header: "a|b", begin: "a,b\n"}, {in: "a,b", header: "a|b"}, {in: "", want: "header"},
	},
	"lines_at_the_end": {
		{set: func(f *config.Format) { f.SkipBottom = 2 }, in: "a,b\n1,2\n\nTotal \"1\n", want: "1|2", end: "\nTotal \"1\n"},
		{set: func(f *config.Format) { f.SkipBottom = 2; f.LineEnd = "any" }, in: "a,b\r1,2\r\nx\r\ny\r\n", want: "1|2", end: "x\r\ny\r\n"},
		{set: func(f *config.Format) { f.SkipBottom = 5 }, in: "a,b\n1,2\n3", end: "1,2\n3"},
	},
	"mixed_line_ends": {
		{in: "a,b\r\n1,2\n3,4\r\n5\r,6\n", want: "1|2 3|4 5\r|6"},
	},
	"any_line_end": {
		{set: lineEnd("any"), in: "a,b\r1,2\n3,4\r\n5,6\r\r\r\n7,\"8\r\n9\"\r", want: "1|2 3|4 5|6 7|8\r\n9"},
		{set: func(f *config.Format) { f.LineEnd, f.EmptyLines, f.Ragged = "any", "record", "pad" }, in: "a,b\r\r\n\n\r1,2", want: "| | | 1|2"},
	},
	"cr_only": {
		{set: lineEnd("cr"), in: "a,b\r1,x\ny\r\"3\",4\r", want: "1|x\ny 3|4"},
	},
	"one_line_end_only": {
		{set: lineEnd("lf"), in: "a,b\n1,2\r\n", want: "1|2\r"}, {set: lineEnd("crlf"), in: "a,b\r\n1,x\ny\r\n", want: "1|x\ny"},
	},
	"no_final_line_end": {
		{in: "a,b\n1,2", want: "1|2"},
		{set: func(f *config.Format) { f.LastLine = "required" }, in: "a,b\n1,2", want: "incomplete"},
		{set: func(f *config.Format) { f.LastLine, f.LineEnd = "required", "any" }, in: "a,b\n1,2\r", want: "1|2"},
	},
	"ragged_records": {
		{set: ragged("reject"), in: "a,b\n1\n1,2,3\n", want: "[too_few_fields ] [too_many_fields ]"},
		{set: ragged("pad"), in: "a,b\n1\n1,2,3\n", want: "1| [too_many_fields ]"},
		{set: ragged("cut"), in: "a,b\n1\n1,2,3\n", want: "[too_few_fields ] 1|2"},
		{set: ragged("fit"), in: "a,b\n1\n1,2,3\n", want: "1| 1|2"},
	},
	"empty_lines": {
		{in: "a,b\n\n1,2\r\n\r\n", want: "1|2"},
		{set: func(f *config.Format) { f.EmptyLines, f.Ragged = "record", "pad" }, in: "a,b\n\n1,2\n", want: "| 1|2"},
	},
	"nul_bytes": {
		{in: "a,b\n\x00,\"\x00\"\n", want: "\x00|\x00"},
	},
	"long_records": {
		{set: func(f *config.Format) { f.MaxRecord = 16 }, in: "a,b\n1," + strings.Repeat("x", 50) + "\n1,2\n", want: "[record_too_long ] 1|2"},
	},
	"byte_order_mark": {
		{in: "\xEF\xBB\xBF\"a\",b\n1,2\n", want: "1|2", header: "a|b", begin: "\xEF\xBB\xBF\"a\",b\n"},
		{set: func(f *config.Format) { f.Encoding = "utf-16" }, in: "\xFE\xFF\x00a\x00\n\x00\xE9\x00\n", want: "é", header: "a"},
		{in: "\xFF\xFEa\x00", want: "bad_encoding"},
	},
	"bad_byte": {
		{in: "a,b\n1,\xE9\n2,3\n", want: "[bad_encoding b] 2|3"},
		{set: func(f *config.Format) { f.Encoding = "windows-1252" }, in: "a,b\n1,\xE9\n2,\x81\n", want: "1|é [bad_encoding b]"},
	},
}

func TestDialect(t *testing.T) {
	for name, cases := range dialectCases {
		t.Run(name, func(t *testing.T) {
			for _, c := range cases {
				f := standard()
				if c.set != nil {
					c.set(&f)
				}
				for _, chunk := range []int{1, 5, chunkSize} {
					c.check(t, f, chunk)
				}
			}
		})
	}
}

func (c dialectCase) check(t *testing.T, f config.Format, chunk int) {
	t.Helper()
	got, _ := readAll(t, strings.NewReader(c.in), f, chunk, 0)
	var all []string
	for _, rec := range got.Records {
		all = append(all, shown(rec))
	}
	if got.Refused != "" {
		all = []string{got.Refused}
	}
	if have := strings.Join(all, " "); have != c.want {
		t.Errorf("%q, chunk %d:\n got %q\nwant %q", c.in, chunk, have, c.want)
	}
	if header := strings.Join(got.Header, "|"); c.header != "" && header != c.header || c.begin != "" && got.Preamble != c.begin || got.Footer != c.end {
		t.Errorf("%q, chunk %d: the header %q of %q, and at the end %q", c.in, chunk, header, got.Preamble, got.Footer)
	}
}

// TestDialectTable: every rule in the table has its test, and every case is in the table.
func TestDialectTable(t *testing.T) {
	text, err := os.ReadFile("testdata/dialect.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testFunctions(t)
	for name := range dialectCases {
		tests["TestDialect/"+name] = true
	}
	named := map[string]bool{}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for n, line := range lines {
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "¦"), "|")
		if len(cells) != 6 {
			t.Fatalf("line %d has %d cells", n+1, len(cells)-2)
		}
		if n < 2 {
			continue
		}
		name := strings.Trim(cells[4], " `")
		if !tests[name] || named[name] {
			t.Errorf("line %d names the test %q, which doesn't exist or is named twice", n+1, name)
		}
		named[name] = true
		checkKeys(t, cells[2])
	}
	for name := range dialectCases {
		if !named["TestDialect/"+name] {
			t.Errorf("the table lacks TestDialect/%s", name)
		}
	}
}

func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, file := range files {
		parsed, err := goparser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				tests[f.Name.Name] = true
			}
		}
	}
	return tests
}

// checkKeys looks for the keys that a cell names in config's source.
func checkKeys(t *testing.T, cell string) {
	t.Helper()
	var source []byte
	for _, file := range []string{"format.go", "job.go"} {
		text, err := os.ReadFile("../../config/" + file)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	for _, key := range regexp.MustCompile("`([a-z_]+)").FindAllStringSubmatch(cell, -1) {
		if !strings.Contains(string(source), `toml:"`+key[1]+`"`) {
			t.Errorf("there is no key %s", key[1])
		}
	}
}

func TestManyColumns(t *testing.T) {
	const columns = 10000
	var in strings.Builder
	for line := range 4 {
		for i := range columns {
			if i > 0 {
				in.WriteByte(',')
			}
			if line == 0 {
				in.WriteString("c" + strconv.Itoa(i))
			} else {
				in.WriteString(strconv.Itoa(i * line))
			}
		}
		in.WriteByte('\n')
	}
	got, err := readAll(t, strings.NewReader(in.String()), standard(), chunkSize, 0)
	if err != nil || len(got.Header) != columns || len(got.Records) != 3 {
		t.Fatalf("%d names, %d records, %v", len(got.Header), len(got.Records), err)
	}
	for n, rec := range got.Records {
		if rec.Code != "" || rec.Fields[columns-1] != strconv.Itoa((columns-1)*(n+1)) {
			t.Errorf("record %d: %s, last %q", n+1, rec.Code, rec.Fields[len(rec.Fields)-1])
		}
	}
}

// TestTooManyFields: a file of nothing but delimiters takes no more memory than others, in any dialect, and the next good record loads.
func TestTooManyFields(t *testing.T) {
	for name, change := range map[string]func(*config.Format){
		"plain":    func(*config.Format) {},
		"several":  func(f *config.Format) { f.Delimiters = []string{",", "|"} },
		"escapes":  func(f *config.Format) { f.Escape = `\` },
		"repeated": func(f *config.Format) { f.RepeatDelimiter = true },
		"charset":  func(f *config.Format) { f.Encoding = "utf-16le" },
	} {
		for _, field := range []string{",", `"",`} {
			t.Run(name+field, func(t *testing.T) {
				f := standard()
				change(&f)
				encode := func(text string) io.Reader { return strings.NewReader(text) }
				if f.Encoding == "utf-16le" {
					encode = func(text string) io.Reader {
						return strings.NewReader(strings.Join(strings.Split(text, ""), "\x00") + "\x00")
					}
				}
				_, err := readAll(t, encode(strings.Repeat("a"+field, maxFields)+"a\n1\n"), f, chunkSize, 0)
				if rejectionCode(err) != "header" || !strings.Contains(err.Error(), "more than 100000") {
					t.Errorf("a header of too many names: %v", err)
				}
				f.Header = false
				for surplus, want := range map[int][]string{0: {"", "", "unclosed_quote", ""}, 1: {"too_many_fields", "", "too_many_fields", ""}, 300_000: {"too_many_fields", "", "too_many_fields", ""}} {
					many := strings.Repeat(field, maxFields-1+surplus)
					got, err := readAll(t, encode(many+"x\n1,2\n"+many+field+"\"y\n4,5\n"), f, chunkSize, 0)
					var codes []string
					for _, rec := range got.Records {
						codes = append(codes, rec.Code)
					}
					if err != nil || !slices.Equal(codes, want) {
						t.Errorf("%d too many: %q (%v), want %q", surplus, codes, err, want)
					}
				}
			})
		}
	}
}

// Refused records with what the file began and ended with make a file that is read the same way again.
func TestRejectsCanBeReadAgain(t *testing.T) {
	for name, cases := range dialectCases {
		for _, c := range cases {
			f := standard()
			if c.set != nil {
				c.set(&f)
			}
			first, err := readAll(t, strings.NewReader(c.in), f, chunkSize, 0)
			if err != nil {
				continue
			}
			again := first.Preamble
			var want []string
			for _, rec := range first.Records {
				if rec.Code != "" {
					again += rec.Raw
					want = append(want, shown(rec))
				}
			}
			second, err := readAll(t, strings.NewReader(again+first.Footer), f, chunkSize, 0)
			var have []string
			for _, rec := range second.Records {
				have = append(have, shown(rec))
			}
			if err != nil || strings.Join(have, " ") != strings.Join(want, " ") || strings.Join(second.Header, "|") != strings.Join(first.Header, "|") {
				t.Errorf("%s: %q, %v; want %q", name, have, err, want)
			}
		}
	}
}
