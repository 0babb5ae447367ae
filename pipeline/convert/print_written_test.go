package convert

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chute/config"
	"chute/connectors/native"
)

// writtenFormats are strftime words and the layouts of package time that mean the same.
var writtenFormats = map[string]string{
	"%Y-%m-%d": "2006-01-02", "%y%m%d": "060102", "%e. %B %Y": "_2. January 2006", "%a %-d %b %Y": "Mon 2 Jan 2006", "%A, %j/%Y": "Monday, 002/2006",
	"%F %T": "2006-01-02 15:04:05", "%D %I:%M %p": "01/02/06 03:04 PM", "%-m/%-d/%Y %-I:%-M:%-S %p": "1/2/2006 3:4:5 PM", "%F %T.%f %z": "2006-01-02 15:04:05.000 -07:00",
}

// TestWrittenTimes compares texts with those of package time.
func TestWrittenTimes(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom(sortedKeys(writtenFormats)).Draw(t, "words")
		millis := rapid.Int64Range(-1855900000000, 10413791999999).Draw(t, "millis") // 1911, when Paris came to whole minutes, to 2299
		typ, err := native.ParseType("DateTime64(3, 'Europe/Paris')")
		if err != nil {
			t.Fatal(err)
		}
		want := time.UnixMilli(millis).In(paris).Format(writtenFormats[words])
		data := binary.LittleEndian.AppendUint64(nil, uint64(millis))
		if got := writtenAs(t, typ, data, words, PrintText); got != want {
			t.Errorf("%s of %d: %q, want %q", words, millis, got, want)
		}
		if day := millis / 86400000; millis >= 0 && !strings.ContainsAny(words, "TIMzf") {
			typ.Kind, typ.Zone = native.Date32, ""
			want := time.Unix(day*86400, 0).UTC().Format(writtenFormats[words])
			if got := writtenAs(t, typ, binary.LittleEndian.AppendUint32(nil, uint32(day)), words, PrintJSON); got != `"`+want+`"` {
				t.Errorf("%s of day %d: %s, want %q", words, day, got, want)
			}
		}
	})
}

func sortedKeys(of map[string]string) (keys []string) {
	for key := range of {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func writtenAs(t interface{ Fatal(...any) }, typ *native.Type, data []byte, words string, style Style) string {
	var format config.TimeFormat
	b := &native.Block{Columns: []native.Column{{Name: "t", Type: typ}}, Data: [][]byte{data}, Rows: 1}
	p, err := NewPrinter(b.Columns, style, nil)
	if err == nil {
		err = format.UnmarshalText([]byte(words))
	}
	if err == nil {
		err = p.Write(0, Writing{Format: format, Decimals: -1})
	}
	if err == nil {
		err = p.Begin(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, _ := p.Append(nil, 0)
	return string(text)
}

// TestWrittenNumbers writes numbers in other ways, behind what stands there.
func TestWrittenNumbers(t *testing.T) {
	for _, c := range []struct {
		how        Writing
		text, want string
	}{
		{Writing{Decimals: -1}, "-1234.50", "-1234.50"},
		{Writing{Decimals: -1, Decimal: ",", Thousands: "."}, "-1234567.50", "-1.234.567,50"},
		{Writing{Decimals: -1, Thousands: "\u00a0"}, "123456", "123\u00a0456"},
		{Writing{Decimals: -1, Thousands: "'"}, "123", "123"},
		{Writing{Decimals: 2}, "7", "7.00"},
		{Writing{Decimals: 2}, "7.5", "7.50"},
		{Writing{Decimals: 2}, "7.50000", "7.50"},
		{Writing{Decimals: 2}, "7.50100", "7.501"},
		{Writing{Decimals: 0}, "-0.00", "-0"},
		{Writing{Decimals: 0, Decimal: ","}, "0.10", "0,1"},
		{Writing{Decimals: 3, Decimal: ","}, "1.5e-7", "1,5e-7"},
		{Writing{Decimals: 3, Decimal: ",", Thousands: "."}, "-inf", "-inf"},
		{Writing{Decimals: 3}, "nan", "nan"},
	} {
		if got := c.how.number([]byte("x1"+c.text), 2); string(got) != "x1"+c.want {
			t.Errorf("%+v: %s becomes %s, want %s", c.how, c.text, got, c.want)
		}
	}
}

// TestWrittenAllocatesNothing: not for a value, however it is written.
func TestWrittenAllocatesNothing(t *testing.T) {
	number, _ := native.ParseType("Decimal(18, 4)")
	text, _ := native.ParseType("String")
	moment, _ := native.ParseType("DateTime")
	const rows = 100
	b := &native.Block{Columns: []native.Column{{Name: "n", Type: number}, {Name: "s", Type: text}, {Name: "t", Type: moment}}, Data: make([][]byte, 3), Rows: rows}
	for i := range rows {
		b.Data[0] = binary.LittleEndian.AppendUint64(b.Data[0], uint64(i*1234567))
		b.Data[1] = append(b.Data[1], 1, "ab"[i%2])
		b.Data[2] = binary.LittleEndian.AppendUint32(b.Data[2], uint32(i*7654321))
	}
	p, err := NewPrinter(b.Columns, PrintText, nil)
	var format config.TimeFormat
	if err == nil {
		err = format.UnmarshalText([]byte("%A, %d %B %Y %H:%M:%S %z"))
	}
	for i, how := range []Writing{{Decimals: 2, Decimal: ",", Thousands: "."}, {Labels: map[string]string{"a": "first"}}, {Format: format}} {
		if err == nil {
			err = p.Write(i, how)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	dst, spans, same := make([]byte, 0, 1<<16), make([][2]uint32, rows), true
	if n := testing.AllocsPerRun(10, func() {
		dst = dst[:0]
		if p.Begin(b) != nil {
			t.Error("begin")
		}
		for range rows {
			for i := range b.Columns {
				dst, _ = p.Append(dst, i)
			}
		}
		if p.Begin(b) != nil {
			t.Error("begin")
		}
		for i := range b.Columns {
			texts, _ := p.Column(i, spans[:])
			same = same && bytes.Contains(dst, texts[spans[rows-1][0]:spans[rows-1][1]])
		}
	}); n > 0 || !same {
		t.Errorf("%v allocations for %d rows", n, rows)
	}
}
