package convert

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// layouts are formats with what the time package calls them. It is laxer with some, which timeOf makes up for.
var layouts = [][2]string{
	{"%d/%m/%Y", "02/01/2006"}, {"%Y%m%d", "20060102"}, {"%-d.%-m.%y", "2.1.06"}, {"%d %b %Y", "02 Jan 2006"}, {"%A, %B %d, %Y", "Monday, January 02, 2006"}, {"%a %Y-%j", "Mon 2006-002"},
	{"%Y-%m-%d %H:%M:%S", "2006-01-02 15:04:05"}, {"%d.%m.%y %I:%M %p", "02.01.06 03:04 PM"}, {"%FT%T%z", "2006-01-02T15:04:05Z07:00"}, {"%F %T %z", "2006-01-02 15:04:05 -0700"},
}

// timeOf parses with the time package what fits the format exactly: what it prints is what it was given.
func timeOf(layout, text string) (time.Time, bool) {
	if strings.HasSuffix(layout, "PM") {
		text = strings.ToUpper(text)
	}
	at, err := time.Parse(layout, text)
	if _, offset := at.Zone(); err != nil || max(offset, -offset) >= 16*3600 { // no zone is so far from UTC
		return at, false
	}
	if printed := at.Format(layout); strings.EqualFold(printed, text) {
		return at, true
	}
	return at, layout == "2.1.06" && looseDate.MatchString(text) // there zeros before a digit are free
}

var looseDate = regexp.MustCompile(`^\d{1,2}\.\d{1,2}\.\d\d$`)

func TestFormatsAgainstTime(t *testing.T) {
	var plans []*Plan
	for _, l := range layouts {
		plans = append(plans, compiled(t, Column{Name: "c", Type: typeOf(t, "DateTime64(0, 'UTC')"), Rules: Rules{Format: formatOf(t, l[0])}}))
	}
	letters := []rune("0123456789 -/:.,TZJanfebMonPMpm+")
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(layouts)-1).Draw(rt, "layout")
		layout := layouts[i][1]
		zone := time.FixedZone("", 60*rapid.IntRange(-15*60, 15*60).Draw(rt, "minutes east"))
		text := time.Unix(rapid.Int64Range(-2_208_000_000, 10_413_000_000).Draw(rt, "seconds"), 0).In(zone).Format(layout)
		if rapid.Bool().Draw(rt, "spoil") {
			at := rapid.IntRange(0, len(text)-1).Draw(rt, "at")
			text = text[:at] + string(rapid.SampledFrom(letters).Draw(rt, "letter")) + text[at+rapid.IntRange(0, 1).Draw(rt, "instead"):]
		}
		want, ok := timeOf(layout, text)
		v, reason := one(rt, plans[i], text, false)
		switch {
		case !ok && reason == nil && !laxName(layout, text):
			rt.Fatalf("%s: %q is taken as %v", layouts[i][0], text, v)
		case ok && reason != nil && reason.Code != OutOfRange:
			rt.Fatalf("%s: %q is refused: %s", layouts[i][0], text, reason.Message)
		case ok && reason == nil && !v.(time.Time).Equal(want):
			rt.Fatalf("%s: %q is taken as %v, want %v", layouts[i][0], text, v, want)
		}
	})
}

// laxName tells texts that the time package refuses and we take: offsets in another of their four writings.
func laxName(layout, text string) bool {
	return strings.Contains(layout, "07") && regexp.MustCompile(`(Z|[+-]\d\d(:?\d\d)?)$`).MatchString(text)
}

// TestSeparatorsAgainstOracle compares with a regular expression and big.Rat.
func TestSeparatorsAgainstOracle(t *testing.T) {
	written := regexp.MustCompile(`^[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]*)(,[0-9]*)?$`)
	p := compiled(t, Column{Name: "c", Type: typeOf(t, "Decimal(40, 6)"), Rules: Rules{Decimal: ",", Thousands: "."}})
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[+-]?[0-9]{0,4}(\.[0-9]{2,4}){0,4}(,[0-9]{0,7})?[.,]?`).Draw(rt, "text")
		if text == "" {
			return
		}
		plain := strings.ReplaceAll(strings.ReplaceAll(text, ".", ""), ",", ".")
		r, isNumber := new(big.Rat).SetString(plain)
		ok := isNumber && written.MatchString(text) && new(big.Rat).Mul(r, big.NewRat(1_000_000, 1)).IsInt()
		v, reason := one(rt, p, text, false)
		switch {
		case ok != (reason == nil):
			rt.Fatalf("%q: got %v, %v, want %v", text, v, reason, ok)
		case ok && v != r.FloatString(6):
			rt.Fatalf("%q: got %v, want %v", text, v, r.FloatString(6))
		}
	})
}

func TestTrimAndCaseAgainstStrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{" ", "\t", "\n", "\u00a0", "\u3000", "\u2028", "a", "É", "ß", "ǆ", "1", "\xff", "\xa0", "\xe3\x80", "ا", "İ"}), 0, 12).Draw(t, "pieces"), "")
		for side, want := range map[Side]string{TrimLeft: strings.TrimLeftFunc(text, unicode.IsSpace), TrimRight: strings.TrimRightFunc(text, unicode.IsSpace), TrimBoth: strings.TrimSpace(text), TrimNone: text} {
			if got := string(trim([]byte(text), side)); got != want {
				t.Fatalf("%q: trimmed at side %d: %q, want %q", text, side, got, want)
			}
		}
		if !utf8.ValidString(text) {
			return // the strings package replaces such bytes, changeCase keeps them
		}
		first := func(s string) string {
			at := strings.IndexFunc(s, unicode.IsLetter)
			if at < 0 {
				return s
			}
			r, width := utf8.DecodeRuneInString(s[at:])
			return s[:at] + string(unicode.ToUpper(r)) + strings.ToLower(s[at+width:])
		}
		for how, want := range map[Case]string{UpperCase: strings.ToUpper(text), LowerCase: strings.ToLower(text), FirstUpper: first(text)} {
			if got := string(changeCase(nil, []byte(text), how)); got != want {
				t.Fatalf("%q: case %d: %q, want %q", text, how, got, want)
			}
		}
	})
}

func TestMapAgainstMap(t *testing.T) {
	text99 := text("99")
	table := map[string]string{"a": "1", "b": "", "c": "x", "d": "200"}
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SampledFrom([]string{"", "a", "b", "c", "d", "7", "e"}).Draw(rt, "text")
		missing := rapid.SampledFrom([]Answer{Keep, Warn, UseDefault, Reject}).Draw(rt, "missing")
		p := compiled(t, Column{Name: "c", Default: text99, Type: typeOf(t, "Int16"), Rules: Rules{Map: table, MapMissing: missing}})
		read, known := table[text]
		if !known {
			read = text
		}
		want, ok := read, true
		if n, err := strconv.ParseInt(read, 10, 16); err == nil {
			want = fmt.Sprint(n)
		} else {
			ok = false
		}
		switch {
		case text == "" || known && read == "" || !known && missing == UseDefault:
			want, ok = "99", true
		case !known && missing == Reject:
			ok = false
		}
		v, reason := one(rt, p, text, false)
		if ok != (reason == nil) || ok && fmt.Sprint(v) != want {
			rt.Fatalf("%q, %v: got %v, %v, want %v, %v", text, missing, v, reason, want, ok)
		}
	})
}

// TestBoundsAgainstOracle compares texts within and outside of bounds as big.Rat and as times.
func TestBoundsAgainstOracle(t *testing.T) {
	number := rapid.StringMatching(`-?[0-9]{1,8}(\.[0-9]{1,4})?`)
	types := []string{"Decimal(18, 4)", "Decimal(38, 10)", "Decimal(76, 20)", "Float64", "Int64", "Int256"}
	rapid.Check(t, func(rt *rapid.T) {
		typ := rapid.SampledFrom(types).Draw(rt, "type")
		draw := func(name string) (string, *big.Rat) {
			text := number.Draw(rt, name)
			if strings.HasPrefix(typ, "Int") {
				text, _, _ = strings.Cut(text, ".")
			}
			r, _ := new(big.Rat).SetString(text)
			return text, r
		}
		low, least := draw("min")
		high, greatest := draw("max")
		if least.Cmp(greatest) > 0 {
			low, least, high, greatest = high, greatest, low, least
		}
		text, v := draw("value")
		_, reason := one(rt, compiled(t, Column{Name: "c", Type: typeOf(t, typ), Rules: Rules{Min: low, Max: high}}), text, false)
		want := ""
		if v.Cmp(least) < 0 {
			want = BelowMin
		} else if v.Cmp(greatest) > 0 {
			want = AboveMax
		}
		got := ""
		if reason != nil {
			got = reason.Code
		}
		if got != want {
			rt.Fatalf("%s: %s in %s to %s: got %q, want %q", typ, text, low, high, got, want)
		}
	})
}

// FuzzRules: no text makes a rule panic or leave something behind.
func FuzzRules(f *testing.F) {
	for _, s := range []string{"1.234,5", " é ", "31/12/1999", "Mon 5 Feb 24 12:00 AM Z", "-1.5", "12:00:00", "\xff\xc2", "1.000.000,00", "+,5"} {
		f.Add(s)
	}
	p, _ := ruledPlan(f)
	var plans []*Plan
	for _, c := range p.columns {
		plans = append(plans, compiled(f, c.Column))
	}
	for _, format := range []string{"%a %e %b %y %I:%M %p %z", "%s.%f", "%A %j %Y", "%F %T %Z"} {
		plans = append(plans, compiled(f, Column{Name: "c", Type: typeOf(f, "DateTime64(3, 'Europe/Paris')"), Rules: Rules{Format: formatOf(f, format)}}))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		for _, p := range plans {
			one(t, p, text, false)
		}
	})
}
