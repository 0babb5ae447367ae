package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chute/connectors/native"
)

// What the texts look like is compared with the engines' own in TestTypesOnEngines. Here is what needs no engine.

// bareText is what the texts of the form Bare are made of: a format relies on it when it looks for its word for NULL.
var bareText = regexp.MustCompile(`^([-+]*(nan|inf|true|false)|[0-9a-f+\-.: ]+)$`)

// TestPrintedIsReadBack prints what was converted and converts it again: the same bytes.
func TestPrintedIsReadBack(t *testing.T) {
	for _, c := range typeTable {
		p := compiled(t, Column{Name: "c", Label: "C", Type: typeOf(t, c.typ)})
		for i := 0; i < len(c.good); i += 2 {
			first := blockOf(t, p, c.good[i])
			texts, nulls := printAll(t, &first, PrintText, nil)
			if formOf(first.Columns[0].Type.Plain().Base()) == Bare && !nulls[0][0] && !bareText.MatchString(texts[0][0]) {
				t.Errorf("%s: %q isn't bare", c.typ, texts[0][0])
			}
			second := blockOf(t, p, texts[0][0])
			if !bytes.Equal(first.Data[0], second.Data[0]) {
				t.Errorf("%s: %q is printed as %q, which is another value", c.typ, c.good[i], texts[0][0])
			}
		}
	}
}

// blockOf converts a single text. The block has memory of its own.
func blockOf(t failer, p *Plan, text string) native.Block {
	t.Helper()
	rows := p.NewRows()
	if reasons, ok := rows.Append(1, [][]byte{[]byte(text)}, nil, nil); !ok {
		t.Fatalf("%q: %s", text, reasons[0].Message)
	}
	var b native.Block
	rows.Block(&b)
	return *b.Clone()
}

func TestPrintedDays(t *testing.T) {
	for day := int64(-800_000); day < 3_000_000; day += 13 {
		want := time.Unix(day*86400, 0).UTC()
		if got := string(appendDay(nil, day)); want.Year() >= 0 && want.Year() < 10000 && got != want.Format("2006-01-02") {
			t.Fatalf("day %d is %s, not %s", day, got, want.Format("2006-01-02"))
		}
	}
}

func TestPrintedInstants(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		ticks := rapid.Int64Range(-1855900000_000, 10413791999_999).Draw(t, "milliseconds") // since 1911, when Paris came to whole minutes
		typ, err := native.ParseType("DateTime64(3)")
		if err != nil {
			t.Fatal(err)
		}
		put, err := timesOf(typ, paris)
		if err != nil {
			t.Fatal(err)
		}
		b, err := native.NewBuilder(typ)
		if err != nil {
			t.Fatal(err)
		}
		b.AppendUint64(uint64(ticks))
		at := time.UnixMilli(ticks).In(paris)
		if got, want := string(put(nil, b.Last())), at.Format("2006-01-02 15:04:05.000"); got != want && got != at.Format("2006-01-02 15:04:05.000-07:00") {
			t.Fatalf("%d is printed as %s, not %s", ticks, got, want)
		}
	})
}

func TestPrintedJSONStrings(t *testing.T) {
	for text, want := range map[string]string{
		"": `""`, "é\"\\/\x00\x1f\x7f": `"é\"\\/\u0000\u001f\u007f"`, "\b\t\n\f\r": `"\b\t\n\f\r"`, "\xe9a\xff": `"\\xe9a\\xff"`, "\u2028\u2029": `"\u2028\u2029"`, "\uFFFD": "\"\uFFFD\"",
	} {
		if got := string(appendJSONString(nil, []byte(text))); got != want {
			t.Errorf("%q is %s, not %s", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var back string
		if err := json.Unmarshal(appendJSONString(nil, []byte(text)), &back); err != nil || back != text {
			t.Fatalf("%q comes back as %q (%v)", text, back, err)
		}
	})
}

// TestPrinterHides: a secret column tells nothing, not even that a value is NULL, and the others are printed as ever.
func TestPrinterHides(t *testing.T) {
	for style, want := range map[Style]string{PrintText: "•••", PrintJSON: `"•••"`} {
		b := native.Block{Columns: []native.Column{{Name: "a", Type: typeOf(t, "Nullable(UInt8)")}, {Name: "b", Type: typeOf(t, "UInt8")}}, Data: [][]byte{{0, 1, 7, 0}, {8, 9}}, Rows: 2}
		p, err := NewPrinter(b.Columns, style, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.Hide(0)
		if err := p.Begin(&b); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"8", "9"} {
			hidden, null := p.Append(nil, 0)
			shown, _ := p.Append(nil, 1)
			if string(hidden) != want || null || string(shown) != other {
				t.Errorf("printed %s (NULL: %t) and %s", hidden, null, shown)
			}
		}
	}
}

// TestPrinterAllocatesNothing: for a value of any type, however it is nested.
func TestPrinterAllocatesNothing(t *testing.T) {
	for _, c := range typeTable {
		for _, style := range []Style{PrintText, PrintJSON} {
			b := blockOf(t, compiled(t, Column{Name: "c", Label: "C", Type: typeOf(t, c.typ)}), c.good[0])
			p, err := NewPrinter(b.Columns, style, nil)
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]byte, 0, 1000)
			if n := testing.AllocsPerRun(10, func() {
				if err := p.Begin(&b); err != nil {
					t.Fatal(err)
				}
				dst, _ = p.Append(dst[:0], 0)
			}); n > 0 {
				t.Errorf("%s: %v allocations", c.typ, n)
			}
		}
	}
}

// FuzzPrinter: data that aren't whole are refused before anything of them is printed.
func FuzzPrinter(f *testing.F) {
	types := []string{"UInt8", "Nullable(String)", "Array(Nullable(String))", "Map(String, Array(Tuple(UInt8, String)))", "Tuple(Array(UInt16), FixedString(3))", "DateTime64(9)", "Decimal(76, 76)",
		"Int256", "Float32", "Enum8('a' = 1)", "Nested(a String, b UInt8)", "Time64(6)", "Date32", "IPv6", "JSON"}
	for i := range types {
		f.Add(i, 2, []byte("\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01a\x01b"))
	}
	f.Fuzz(func(t *testing.T, typ, rows int, data []byte) {
		if typ < 0 || rows < 0 || rows > 1000 {
			return
		}
		b := native.Block{Columns: []native.Column{{Name: "c", Type: typeOf(t, types[typ%len(types)])}}, Data: [][]byte{data}, Rows: rows}
		for _, style := range []Style{PrintText, PrintJSON} {
			p, err := NewPrinter(b.Columns, style, nil)
			if err != nil {
				t.Fatal(err)
			}
			if p.Begin(&b) != nil {
				continue
			}
			for range rows {
				text, null := p.Append(nil, 0)
				if style == PrintJSON && !null && types[typ%len(types)] != "JSON" && !json.Valid(text) {
					t.Fatalf("%s isn't JSON", text)
				}
			}
		}
	})
}

func BenchmarkPrinter(b *testing.B) {
	for _, typ := range []string{"UInt64", "Int32", "Decimal(12, 2)", "Float64", "String", "Nullable(String)", "Date", "DateTime('Europe/Paris')", "Array(UInt8)"} {
		text := map[string]string{"Date": "2024-02-29", "DateTime('Europe/Paris')": "2024-02-29 12:34:56", "Array(UInt8)": "[1,2,3]"}[typ]
		if text == "" {
			text = "1234567"
		}
		p := compiled(b, Column{Name: "c", Type: typeOf(b, typ)})
		rows := p.NewRows()
		for range 10000 {
			rows.Append(1, [][]byte{[]byte(text)}, nil, nil)
		}
		var block native.Block
		rows.Block(&block)
		printer, err := NewPrinter(block.Columns, PrintText, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(typ), func(b *testing.B) {
			dst := make([]byte, 0, 1<<20)
			for i := 0; b.Loop(); i++ {
				if i%10000 == 0 {
					dst = dst[:0]
					if err := printer.Begin(&block); err != nil {
						b.Fatal(err)
					}
				}
				dst, _ = printer.Append(dst, 0)
			}
		})
	}
}

// TestPrintedFloats compares with the library's own notation without an exponent.
func TestPrintedFloats(t *testing.T) {
	check := func(t failer, f float64, bits int) {
		if farFromOne(f) || math.IsNaN(f) || bits == 32 && math.Abs(f) == evenTie {
			return
		}
		if got, want := string(appendFloat([]byte("x"), f, bits, tensOf())), "x"+strconv.FormatFloat(f, 'f', -1, bits); got != want {
			t.Fatalf("%v of %d bits is printed as %s, not %s", f, bits, got, want)
		}
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1, 0.1, -0.001, 1.5, 10, 12, 100, 120, 123.4, 1e20, 1.2e20, 1e-6, 1.5e-6, 0.000123, 999999999999999999999} {
		check(t, f, 64)
		check(t, float64(float32(f)), 32)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64Range(-1e21, 1e21).Draw(t, "number")
		check(t, f, 64)
		check(t, float64(float32(f)), 32)
		check(t, math.Round(f*1000)/1000, 64)
	})
}

// TestPrintedIntegers compares with the library's own.
func TestPrintedIntegers(t *testing.T) {
	check := func(t failer, n uint64) {
		if got, want := string(appendUint(nil, n)), strconv.FormatUint(n, 10); got != want {
			t.Fatalf("%s is printed as %s", want, got)
		}
		if got, want := string(appendInt(nil, int64(n))), strconv.FormatInt(int64(n), 10); got != want {
			t.Fatalf("%s is printed as %s", want, got)
		}
	}
	for _, p := range powers {
		check(t, p-1)
		check(t, p)
		check(t, -p)
	}
	check(t, math.MaxUint64)
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.Uint64().Draw(t, "number")>>rapid.IntRange(0, 63).Draw(t, "shift")) })
}

// TestColumn: many values at a time are printed as one by one, for all types, NULLs and the hidden ones among them, in pieces of any size.
func TestColumn(t *testing.T) {
	for _, c := range typeTable {
		for _, style := range []Style{PrintText, PrintJSON} {
			b := &native.Block{}
			p := compiled(t, Column{Name: "c", Label: "C", Type: typeOf(t, c.typ)})
			rows := p.NewRows()
			for i := range 40 {
				rows.Append(uint64(i), [][]byte{[]byte(c.good[2*i%len(c.good)&^1])}, nil, nil)
			}
			rows.Block(b)
			want, nulls := printAll(t, b, style, nil)
			for _, hide := range []bool{false, true} {
				checkColumn(t, b, style, hide, want[0], nulls[0])
			}
		}
	}
}

func checkColumn(t *testing.T, b *native.Block, style Style, hide bool, want []string, null []bool) {
	t.Helper()
	p, err := NewPrinter(b.Columns, style, nil)
	if err != nil {
		t.Fatal(err)
	}
	if hide {
		p.Hide(0)
	}
	if err := p.Begin(b); err != nil {
		t.Fatal(err)
	}
	for done, n := 0, 1; done < b.Rows; n++ {
		spans := make([][2]uint32, min(n, b.Rows-done))
		text, nulls := p.Column(0, spans)
		for i, span := range spans {
			got, isNull := string(text[span[0]:span[1]]), nulls != nil && nulls[i] != 0
			switch at := done + i; {
			case hide:
				if isNull || !strings.Contains(got, Masked) {
					t.Fatalf("%s: hidden it is %q (NULL: %t)", b.Columns[0].Type, got, isNull)
				}
			case isNull != null[at] || !isNull && got != want[at]:
				t.Fatalf("%s: row %d is %q (NULL: %t), not %q (NULL: %t)", b.Columns[0].Type, at, got, isNull, want[at], null[at])
			}
		}
		done += len(spans)
	}
}
