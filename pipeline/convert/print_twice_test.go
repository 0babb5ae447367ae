package convert

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chute/config"
	"chute/connectors/native"
)

// printedTwice are instants in the hour that clocks are set back, and about it, with their texts.
var printedTwice = []struct {
	typ  string
	at   int64
	text string
}{
	{"DateTime('Europe/Paris')", 1792886399, "2026-10-25 01:59:59"},
	{"DateTime('Europe/Paris')", 1792886400, "2026-10-25 02:00:00+02:00"},
	{"DateTime('Europe/Paris')", 1792888200, "2026-10-25 02:30:00+02:00"},
	{"DateTime('Europe/Paris')", 1792891800, "2026-10-25 02:30:00+01:00"},
	{"DateTime('Europe/Paris')", 1792893599, "2026-10-25 02:59:59+01:00"},
	{"DateTime('Europe/Paris')", 1792893600, "2026-10-25 03:00:00"},
	{"DateTime64(3, 'America/St_Johns')", 1793509200500, "2026-11-01 01:30:00.500-03:30"},
	{"DateTime('Australia/Lord_Howe')", 1712415600, "2024-04-07 01:30:00+10:30"},
	{"DateTime64(0, 'Europe/Paris')", -1855959001, "1911-03-10 23:58:59+00:09"}, // +00:09:21 until then
	{"DateTime64(0, 'Europe/Paris')", -1855958901, "1911-03-10 23:51:39+00:00"},
	{"DateTime('UTC')", 1792888200, "2026-10-25 00:30:00"},
	{"DateTime", 1792888200, "2026-10-25 00:30:00"},
}

func TestPrintedTwice(t *testing.T) {
	for _, c := range printedTwice {
		b := blockAt(typeOf(t, c.typ), c.at)
		texts, _ := printAll(t, b, PrintText, nil)
		quoted, _ := printAll(t, b, PrintJSON, nil)
		if texts[0][0] != c.text || quoted[0][0] != `"`+c.text+`"` {
			t.Errorf("%s: %d is printed as %q and %s, not %q", c.typ, c.at, texts[0][0], quoted[0][0], c.text)
		}
		if back := blockOf(t, compiled(t, Column{Name: "c", Type: typeOf(t, c.typ)}), c.text); !bytes.Equal(back.Data[0], b.Data[0]) {
			t.Errorf("%s: %q is read as %v, not %d", c.typ, c.text, back.Data[0], c.at)
		}
	}
}

// TestPrintedTimesAreReadBack: an instant, however near to a change of clocks, is printed so that the same one is read, also with a distance in the job's format. A
// format without one fails just where the text could be read as another.
func TestPrintedTimesAreReadBack(t *testing.T) {
	types := []string{"DateTime64(3, 'Europe/Paris')", "DateTime64(0, 'America/New_York')", "DateTime64(6, 'Australia/Lord_Howe')", "DateTime64(3, 'Africa/Casablanca')", "DateTime64(0, 'Pacific/Apia')",
		"DateTime64(3, 'Europe/Dublin')", "Array(DateTime64(3, 'Asia/Tehran'))", "DateTime('Europe/Paris')", "DateTime('America/St_Johns')", "DateTime('Antarctica/Troll')"}
	plans := map[string]*Plan{}
	for _, typ := range types {
		plans[typ] = compiled(t, Column{Name: "c", Type: typeOf(t, typ)})
	}
	rapid.Check(t, func(rt *rapid.T) {
		typ := typeOf(t, rapid.SampledFrom(types).Draw(rt, "type"))
		inner := typ
		if typ.Kind == native.Array {
			inner = typ.Elems[0]
		}
		first, last := int64(-2_208_800_000), int64(9_000_000_000)
		if inner.Kind == native.DateTime {
			first, last = 86400, 4_294_000_000
		}
		seconds := rapid.Int64Range(first, last).Draw(rt, "seconds")
		if _, end := time.Unix(seconds, 0).In(zoneOf(t, inner.Zone)).ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(rt, "near a change") {
			seconds = min(end.Unix()+rapid.Int64Range(-9000, 9000).Draw(rt, "off"), last)
		}
		unit := powerOfTen(inner.Scale)
		b := blockAt(typ, seconds*unit+rapid.Int64Range(0, unit-1).Draw(rt, "fraction"))
		texts, _ := printAll(t, b, PrintText, nil)
		if back := blockOf(rt, plans[typ.String()], texts[0][0]); !bytes.Equal(back.Data[0], b.Data[0]) {
			rt.Fatalf("%s: %v is printed as %q, which is read as %v", typ, b.Data[0], texts[0][0], back.Data[0])
		}
		if typ.Kind != native.Array {
			readBackFormatted(rt, typ, b)
		}
	})
}

func readBackFormatted(t *rapid.T, typ *native.Type, b *native.Block) {
	for _, words := range []string{"%d.%m.%Y %H:%M:%S.%f %z", "%s.%f", "%d.%m.%Y %H:%M:%S.%f"} {
		var format config.TimeFormat
		p, err := NewPrinter(b.Columns, PrintText, nil)
		if err = errors.Join(err, format.UnmarshalText([]byte(words)), p.Write(0, Writing{Format: format, Decimals: -1}), p.Begin(b)); err != nil {
			t.Fatal(err)
		}
		text, _ := p.Append(nil, 0)
		plan, err := Compile([]Column{{Name: "c", Type: typ, Rules: Rules{Format: format}}})
		if err != nil {
			t.Fatal(err)
		}
		rows := plan.NewRows()
		reasons, ok := rows.Append(1, [][]byte{text}, nil, nil)
		if twice := !ok && reasons[0].Code == AmbiguousTime; twice != errors.Is(p.Err(), ErrTwice) || !ok && !twice {
			t.Fatalf("%s by %s: %q is written with %v and read with %v", typ, words, text, p.Err(), reasons)
		}
		var back native.Block
		if rows.Block(&back); ok && !bytes.Equal(back.Data[0], b.Data[0]) {
			t.Fatalf("%s by %s: %v is printed as %q, which is read as %v", typ, words, b.Data[0], text, back.Data[0])
		}
	}
}

// TestPrintedTwiceUnderNULL: what stands in the data under NULL is nobody's time.
func TestPrintedTwiceUnderNULL(t *testing.T) {
	b := blockAt(typeOf(t, "Nullable(DateTime('Europe/Paris'))"), 1792888200)
	var format config.TimeFormat
	p, err := NewPrinter(b.Columns, PrintText, nil)
	if err = errors.Join(err, format.UnmarshalText([]byte("%F %T")), p.Write(0, Writing{Format: format, Decimals: -1})); err != nil {
		t.Fatal(err)
	}
	for _, null := range []byte{1, 0} {
		b.Data[0][0] = null
		for range 2 { // value by value, and column by column
			if err := p.Begin(b); err != nil {
				t.Fatal(err)
			}
			if spans := make([][2]uint32, 1); null == 1 {
				p.Column(0, spans)
			}
			if err := p.Begin(b); err != nil {
				t.Fatal(err)
			}
			p.Append(nil, 0)
		}
		if errors.Is(p.Err(), ErrTwice) != (null == 0) {
			t.Errorf("NULL %d: %v", null, p.Err())
		}
	}
}

// blockAt is a block of one instant.
func blockAt(typ *native.Type, ticks int64) *native.Block {
	var data []byte
	inner := typ
	switch typ.Kind {
	case native.Array:
		inner, data = typ.Elems[0], binary.LittleEndian.AppendUint64(nil, 1)
	case native.Nullable:
		inner, data = typ.Elems[0], []byte{0}
	}
	if inner.Kind == native.DateTime {
		data = binary.LittleEndian.AppendUint32(data, uint32(ticks))
	} else {
		data = binary.LittleEndian.AppendUint64(data, uint64(ticks))
	}
	return &native.Block{Columns: []native.Column{{Name: "c", Type: typ}}, Data: [][]byte{data}, Rows: 1}
}
