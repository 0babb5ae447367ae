package convert

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"chute/connectors/native"
)

func text(s string) *string { return &s }

func split(s string) (fields [][]byte) {
	for _, f := range strings.Split(s, "|") {
		fields = append(fields, []byte(f))
	}
	return fields
}

func TestBlanks(t *testing.T) {
	null := [][]byte{[]byte("NULL"), []byte("-")}
	for _, c := range []struct {
		column Column
		typ    string
		text   string
		quoted bool
		want   any // a code: refused
	}{
		{Column{}, "UInt8", "", false, code(Blank)},
		{Column{}, "UInt8", "", true, code(Blank)},
		{Column{Required: true}, "Nullable(String)", "", false, code(Required)},
		{Column{Required: true}, "String", "", true, code(Required)},
		{Column{Required: true, Default: text("7")}, "UInt8", "", false, code(Required)},
		{Column{Required: true, Null: null}, "Nullable(UInt8)", "NULL", false, code(Required)},
		{Column{Default: text("7")}, "UInt8", "", false, uint64(7)},
		{Column{Default: text("7")}, "Nullable(UInt8)", "", true, uint64(7)},
		{Column{Default: text("7"), Null: null}, "UInt8", "-", false, uint64(7)},
		{Column{Default: text("")}, "Nullable(String)", "", false, ""},
		{Column{}, "Nullable(UInt8)", "", false, nil},
		{Column{}, "Nullable(UInt8)", "", true, nil},
		{Column{}, "Nullable(String)", "", false, nil},
		{Column{}, "Nullable(String)", "", true, ""},
		{Column{}, "LowCardinality(Nullable(String))", "", true, ""},
		{Column{}, "Nullable(FixedString(1))", "", true, "\x00"},
		{Column{}, "String", "", false, ""},
		{Column{Null: null}, "Nullable(String)", "NULL", false, nil},
		{Column{Null: null}, "Nullable(String)", "NULL", true, "NULL"},
		{Column{Null: null}, "Nullable(String)", "null", false, "null"},
		{Column{Rules: Rules{Map: map[string]string{"none": ""}}}, "Nullable(String)", "none", true, nil},
		{Column{Rules: Rules{Trim: TrimBoth}}, "Nullable(String)", "  ", true, ""},
		{Column{Rules: Rules{Trim: TrimBoth}}, "Nullable(String)", "  ", false, nil},
		{Column{Null: null}, "Nullable(UInt8)", "-", false, nil},
		{Column{Null: null}, "Nullable(UInt8)", "-", true, code(NotANumber)},
		{Column{Null: null}, "UInt8", "NULL", false, code(Blank)},
		{Column{Null: null}, "String", "NULL", false, ""},
	} {
		c.column.Name, c.column.Type = "c", typeOf(t, c.typ)
		v, reason := one(t, compiled(t, c.column), c.text, c.quoted)
		if want, refused := c.want.(code); refused {
			if reason == nil || reason.Code != string(want) {
				t.Errorf("%s %q %v: got %v, %v, want %s", c.typ, c.text, c.quoted, v, reason, want)
			}
		} else if reason != nil || !same(v, c.want) {
			t.Errorf("%s %q %v: got %v, %v, want %v", c.typ, c.text, c.quoted, v, reason, c.want)
		}
	}
}

func mixed(t testing.TB) *Plan {
	return compiled(t,
		Column{Name: "a", Label: "A", Type: typeOf(t, "UInt8")},
		Column{Name: "file", Type: typeOf(t, "LowCardinality(String)"), Constant: []byte("x.csv")},
		Column{Name: "b", Label: "B", Type: typeOf(t, "Nullable(String)")},
		Column{Name: "none", Type: typeOf(t, "Nullable(UInt8)"), Constant: []byte{}},
		Column{Name: "c", Label: "#3", Type: typeOf(t, "Date")},
		Column{Name: "_chute_run", Type: typeOf(t, "UInt64"), Origin: Run},
		Column{Name: "_chute_record", Type: typeOf(t, "UInt64"), Origin: Record})
}

func TestAllOrNothing(t *testing.T) {
	p := mixed(t)
	if p.Fields() != 3 {
		t.Fatalf("%d fields", p.Fields())
	}
	r := p.NewRows()
	r.Run = 42
	reasons, ok := r.Append(1, split("1|one|2024-01-01"), nil, nil)
	if !ok || reasons != nil {
		t.Fatal(reasons)
	}
	size := r.Bytes()
	reasons, ok = r.Append(2, split("300|two|2024-02-30"), nil, reasons)
	if ok || len(reasons) != 2 || r.Len() != 1 || r.Bytes() != size {
		t.Fatalf("%v, %d rows, %d bytes", reasons, r.Len(), r.Bytes())
	}
	first, second := reasons[0], reasons[1]
	if first.Column != "A" || first.Code != OutOfRange || first.Record != 2 || string(first.Value) != "300" || first.Source != "text" ||
		first.Message != "300 is out of range for UInt8 (0 to 255)" || second.Column != "#3" || second.Code != NotADate {
		t.Errorf("%+v", reasons)
	}
	if reasons, ok = r.Append(3, split("3||2024-01-03"), nil, reasons[:0]); !ok || len(reasons) != 0 {
		t.Fatal(reasons)
	}
	day := func(d string) any { return utc("2024-01-" + d + " 00:00:00") }
	want := [][]any{{uint64(1), uint64(3)}, {"x.csv", "x.csv"}, {"one", nil}, {nil, nil}, {day("01"), day("03")}, {uint64(42), uint64(42)}, {uint64(1), uint64(3)}}
	if got := values(t, r); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var b native.Block
	r.Block(&b)
	if s := native.Structure(b.Columns); !strings.HasPrefix(s, "`a` UInt8, `file` String, `b` Nullable(String), `none` Nullable(UInt8), `c` Date") {
		t.Error(s)
	}
	if r.Reset(); r.Len() != 0 || r.Bytes() != 0 {
		t.Error("rows stay after Reset")
	}
	if r.Block(&b); b.Rows != 0 || b.Size() != 0 {
		t.Error("an empty chunk gives a block with rows")
	}
}

func TestWrongNumberOfFields(t *testing.T) {
	r := mixed(t).NewRows()
	for _, record := range []string{"1|x", "1|x|2024-01-01|y"} {
		if reasons, ok := r.Append(9, split(record), nil, nil); ok || len(reasons) != 1 || reasons[0].Code != Fields || reasons[0].Record != 9 || r.Len() != 0 {
			t.Errorf("%s: %v", record, reasons)
		}
	}
}

func TestMessages(t *testing.T) {
	long := strings.Repeat("é", 500)
	for _, c := range []struct{ typ, text, want string }{
		{"UInt8", "", "the value is blank, but UInt8 needs one"},
		{"UInt8", "a\x00\"b", `"a\x00\"b" is not a whole number`},
		{"Float64", "1,5", `"1,5" is not a number`},
		{"Int8", "-129", "-129 is out of range for Int8 (-128 to 127)"},
		{"Decimal(5, 2)", "1000", "1000 is out of range for Decimal(5, 2) (up to 3 digits before the point)"},
		{"Decimal(5, 2)", "0.123", "0.123 has more than 2 digits behind the point, which Decimal(5, 2) would lose"},
		{"DateTime", "2024-01-01 00:00:00.5", `"2024-01-01 00:00:00.5" has more than 0 digits behind the point, which DateTime would lose`},
		{"DateTime('Europe/Paris')", "2024-10-27 02:30:00", `"2024-10-27 02:30:00" comes twice in Europe/Paris, where clocks were set back: write it with its offset`},
		{"DateTime('Europe/Paris')", "2024-03-31 02:30:00", `"2024-03-31 02:30:00" doesn't exist in Europe/Paris, where clocks were set forward`},
		{"Date", "2150-01-01", "2150-01-01 is out of range for Date (1970-01-01 to 2149-06-06)"},
		{"Nullable(Enum8('a'=1,'b'=2))", "c", `"c" is not one of "a", "b"`},
		{"FixedString(2)", "abc", `"abc" is 3 bytes long, more than the 2 that fit`},
		{"UInt8", long, `"` + strings.Repeat("é", 30) + `"… is not a whole number`},
	} {
		_, reason := one(t, compiled(t, Column{Name: "c", Type: typeOf(t, c.typ)}), c.text, false)
		if reason == nil || reason.Message != c.want {
			t.Errorf("%s %q: got %+v, want %s", c.typ, cutText(c.text), reason, c.want)
		} else if len(reason.Value) > 200 || !strings.HasPrefix(c.text, string(reason.Value)) {
			t.Errorf("%s: a value of %d bytes", c.typ, len(reason.Value))
		}
	}
}

func cutText(s string) string { return s[:min(len(s), 30)] }

// TestReasonKeepsNothing: the reader uses the memory of its fields again.
func TestReasonKeepsNothing(t *testing.T) {
	r := compiled(t, Column{Name: "c", Type: typeOf(t, "UInt8")}).NewRows()
	field := []byte("abc")
	reasons, _ := r.Append(1, [][]byte{field}, nil, nil)
	copy(field, "xyz")
	if !bytes.Equal(reasons[0].Value, []byte("abc")) {
		t.Errorf("%q", reasons[0].Value)
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, c := range []struct {
		column Column
		typ    string
		want   string
	}{
		{Column{}, "Array(JSON)", "cannot be built"},
		{Column{}, "Array(IntervalDay)", "can't be converted"},
		{Column{}, "Tuple()", "cannot be built"},
		{Column{}, "IntervalDay", "can't be converted"},
		{Column{}, "DateTime('Mars/Olympus')", "Mars/Olympus"},
		{Column{}, "DateTime('Local')", "Local"},
		{Column{}, "DateTime64(3, '../../etc/passwd')", "isn't known"},
		{Column{Default: text("300")}, "UInt8", "default is refused: 300 is out of range"},
		{Column{Default: text("")}, "UInt8", "default is refused"},
		{Column{Constant: []byte("x")}, "Date", "constant is refused"},
		{Column{Constant: []byte("")}, "Date", "constant is refused"},
		{Column{Constant: []byte(""), Required: true}, "String", "constant is refused"},
		{Column{Origin: Run}, "UInt32", "needs UInt64"},
		{Column{Origin: Record}, "Nullable(UInt64)", "needs UInt64"},
	} {
		c.column.Name, c.column.Type = "col", typeOf(t, c.typ)
		_, err := Compile([]Column{{Name: "good", Type: typeOf(t, "String")}, c.column})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"col"`) || !strings.Contains(err.Error(), c.column.Type.String()) {
			t.Errorf("%s: %v", c.typ, err)
		}
	}
}

// wide is a plan of ten common types and a record for it.
func wide(t testing.TB) (*Plan, [][]byte) {
	p := compiled(t,
		Column{Name: "id", Type: typeOf(t, "UInt64")}, Column{Name: "n", Type: typeOf(t, "Nullable(Int32)")},
		Column{Name: "d", Type: typeOf(t, "Date")}, Column{Name: "at", Type: typeOf(t, "DateTime('Europe/Paris')")},
		Column{Name: "price", Type: typeOf(t, "Decimal(12, 2)")}, Column{Name: "rate", Type: typeOf(t, "Float64")},
		Column{Name: "name", Type: typeOf(t, "String")}, Column{Name: "kind", Type: typeOf(t, "LowCardinality(String)")},
		Column{Name: "state", Type: typeOf(t, "Enum8('new'=1,'old'=2)")}, Column{Name: "u", Type: typeOf(t, "UUID")},
		Column{Name: "ip", Type: typeOf(t, "IPv6")}, Column{Name: "big", Type: typeOf(t, "Decimal(60, 10)")},
		Column{Name: "ms", Type: typeOf(t, "DateTime64(3)")}, Column{Name: "yes", Type: typeOf(t, "Bool")},
		Column{Name: "file", Type: typeOf(t, "String"), Constant: []byte("x.csv")},
		Column{Name: "run", Type: typeOf(t, "UInt64"), Origin: Run}, Column{Name: "rec", Type: typeOf(t, "UInt64"), Origin: Record})
	return p, split("123456789|-42|2024-02-29|2024-07-01 12:34:56|12345.67|0.12345|some name here|book|old|00112233-4455-6677-8899-aabbccddeeff|2001:db8::1|" +
		"12345678901234567890.5|2024-02-29 12:00:00.123|yes")
}

func TestAppendAllocatesNothing(t *testing.T) {
	p, fields := wide(t)
	r := p.NewRows()
	var b native.Block
	quoted := make([]bool, len(fields))
	chunk := func() {
		r.Reset()
		for n := range 100 {
			if _, ok := r.Append(uint64(n), fields, quoted, nil); !ok {
				t.Fatal("refused")
			}
		}
		r.Block(&b)
	}
	if n := testing.AllocsPerRun(20, chunk); n != 0 {
		t.Errorf("%v allocations for 100 records", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	p, fields := wide(b)
	benchmarkAppend(b, p, fields)
}

// benchmarkAppend converts one record again and again.
func benchmarkAppend(b *testing.B, p *Plan, fields [][]byte) {
	r := p.NewRows()
	size := 0
	for _, f := range fields {
		size += len(f) + 1
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if r.Len() == 10000 {
			r.Reset()
		}
		if reasons, ok := r.Append(uint64(n), fields, nil, nil); !ok {
			b.Fatal(reasons)
		}
	}
}
