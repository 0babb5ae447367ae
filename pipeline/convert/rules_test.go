package convert

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
)

func formatOf(t testing.TB, s string) config.TimeFormat {
	t.Helper()
	var f config.TimeFormat
	if err := f.UnmarshalText([]byte(s)); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return f
}

// ruleCase is a column with rules and texts in pairs with what becomes of them: a value, nil for NULL, a code, or a warned.
type ruleCase struct {
	name  string
	typ   string
	c     Column
	texts cases
}

// warned is a value that comes with a warning.
type warned struct {
	value any
	code  string
}

func (rc ruleCase) run(t *testing.T) {
	t.Helper()
	rc.c.Name, rc.c.Label, rc.c.Type = "c", "C", typeOf(t, rc.typ)
	p := compiled(t, rc.c)
	r := p.NewRows()
	for i := 0; i < len(rc.texts); i += 2 {
		r.Reset()
		text, want := rc.texts[i].(string), rc.texts[i+1]
		reasons, ok := r.Append(7, [][]byte{[]byte(text)}, nil, nil)
		var codes []string
		r.Warnings(func(w Warning) {
			if w.Count != 1 || w.Record != 7 || w.Column != "C" || !strings.HasPrefix(w.Message, `Column "C": `) || !strings.HasSuffix(w.Message, ".") {
				t.Errorf("%s: %q: %+v", rc.name, text, w)
			}
			codes = append(codes, w.Code)
		})
		if refused, is := want.(code); is {
			if ok || len(reasons) != 1 || reasons[0].Code != string(refused) || len(codes) > 0 || r.Bytes() != 0 {
				t.Errorf("%s: %q gives %v, %v, want %s", rc.name, text, reasons, codes, refused)
			}
			continue
		}
		w, odd := want.(warned)
		if odd {
			want = w.value
		}
		if !ok {
			t.Errorf("%s: %q is refused: %s", rc.name, text, reasons[0].Message)
			continue
		}
		if odd != (len(codes) == 1) || odd && codes[0] != w.code {
			t.Errorf("%s: %q: warnings %v, want %q", rc.name, text, codes, w.code)
		}
		if got := values(t, r)[0][0]; !same(got, want) {
			t.Errorf("%s: %q gives %v, want %v", rc.name, text, got, want)
		}
	}
}

func TestRules(t *testing.T) {
	null, bigOne := [][]byte{[]byte("-")}, big.NewInt(1)
	for _, rc := range []ruleCase{
		{"trim both", "String", Column{Rules: Rules{Trim: TrimBoth}}, cases{" \ta b\u00a0\u3000", "a b", "   ", "", "\x85", "\x85", "\u0085x", "x"}},
		{"trim left", "UInt8", Column{Rules: Rules{Trim: TrimLeft}}, cases{" 1", uint64(1), "1 ", code(NotANumber), " ", code(Blank)}},
		{"trim right", "Nullable(UInt8)", Column{Null: null, Rules: Rules{Trim: TrimRight}}, cases{"1 ", uint64(1), " 1", code(NotANumber), "- ", nil, " ", nil}},
		{"upper", "String", Column{Rules: Rules{Case: UpperCase}}, cases{"straße é1\xff", "STRAßE É1\xff"}},
		{"lower", "Enum8('a'=1)", Column{Rules: Rules{Case: LowerCase}}, cases{"A", "a", "B", code(NotInEnum)}},
		{"first", "String", Column{Rules: Rules{Case: FirstUpper}}, cases{"éCOLE bleue", "École bleue", "  ABC", "  Abc", "123 ABC", "123 Abc"}},
		{"map keep", "String", Column{Rules: Rules{Case: UpperCase, Map: map[string]string{"A": "alpha", "NONE": ""}, MapMissing: Keep}}, cases{"a", "alpha", "b", "B", "none", ""}},
		{"map warn", "Nullable(UInt8)", Column{Rules: Rules{Map: map[string]string{"one": "1", "none": ""}, MapMissing: Warn}},
			cases{"one", uint64(1), "2", warned{uint64(2), NotInMap}, "none", nil, "two", code(NotANumber), "", nil}},
		{"map reject", "String", Column{Rules: Rules{Map: map[string]string{"a": "b"}}}, cases{"a", "b", "b", code(NotInMap), "", ""}},
		{"map default", "UInt8", Column{Default: text("9"), Rules: Rules{Map: map[string]string{"a": "1", "bad": "x"}, MapMissing: UseDefault}},
			cases{"a", uint64(1), "b", uint64(9), "", uint64(9), "bad", code(NotANumber)}},
		{"required after map", "String", Column{Required: true, Rules: Rules{Map: map[string]string{"none": ""}, MapMissing: Keep}}, cases{"none", code(Required), "x", "x"}},
		{"length", "String", Column{Rules: Rules{Trim: TrimBoth, MaxLength: 3}}, cases{"éàü", "éàü", " éàü ", "éàü", "éàüx", code(TooLong), "\xff\xff\xff", "\xff\xff\xff"}},
		{"pattern", "String", Column{Rules: Rules{Pattern: regexp.MustCompile(`^[A-Z]\d+$`)}}, cases{"A1", "A1", "A", code(Pattern), "xA1", code(Pattern), "", ""}},
		{"bool words", "Bool", Column{Rules: Rules{True: []string{"ja", "x"}, False: []string{"nein"}}}, cases{"ja", true, "x", true, "nein", false, "JA", code(NotABool), "1", code(NotABool), "", code(Blank)}},
		{"number words", "Nullable(Int128)", Column{Rules: Rules{True: []string{"J"}, False: []string{"N"}}}, cases{"J", bigOne, "", nil, "1", code(NotABool)}},
		{"bounds", "Int32", Column{Rules: Rules{Min: "-5", Max: "007"}}, cases{"-5", int64(-5), "-6", code(BelowMin), "7", int64(7), "8", code(AboveMax), "x", code(NotANumber)}},
		{"bound of a decimal", "Decimal(76, 38)", Column{Rules: Rules{Max: "0.1"}}, cases{"0.1", "0.1" + strings.Repeat("0", 37), "0." + "1" + strings.Repeat("0", 36) + "1", code(AboveMax), "-99", "-99." + strings.Repeat("0", 38)}},
		{"bound of a date", "Date32", Column{Default: text("31/12/1900"), Rules: Rules{Min: "1970-01-01", Format: formatOf(t, "%d/%m/%Y")}},
			cases{"01/01/1970", utc("1970-01-01 00:00:00"), "31/12/1969", code(BelowMin), "", utc("1900-12-31 00:00:00")}},
		{"bound of a time", "DateTime64(3, 'UTC')", Column{Rules: Rules{Max: "1960-01-01 00:00:00.5"}}, cases{"1960-01-01 00:00:00.5", utc("1960-01-01 00:00:00.5"), "1960-01-01 00:00:00.501", code(AboveMax)}},
		{"bound of a text", "LowCardinality(Nullable(String))", Column{Rules: Rules{Min: "b", Max: "d"}}, cases{"b", "b", "abc", code(BelowMin), "d", "d", "da", code(AboveMax), "", nil}},
		{"bound of a float", "Float64", Column{Rules: Rules{Min: "0"}}, cases{"-0.0", 0.0, "-1e-300", code(BelowMin)}},
		{"bound of a clock", "Time", Column{Rules: Rules{Min: "-1:00:00"}}, cases{"-01:00:01", code(BelowMin), "-01:00:00", "-01:00:00"}},
		{"comma", "Decimal(9, 2)", Column{Rules: Rules{Decimal: ",", Thousands: "."}}, cases{"1.234.567,89", "1234567.89", "1234567,89", "1234567.89", "-1.000", "-1000.00", "1.00", code(NotANumber), "1000.000", code(NotANumber),
			"1..000", code(NotANumber), ".5", code(NotANumber), ",5", "0.50", "1,2,3", code(NotANumber), "1.234,567", code(Scale), "1.234.", code(NotANumber), "12.345.67", code(NotANumber), "1,000.5", code(NotANumber)}},
		{"groups of a whole number", "UInt32", Column{Rules: Rules{Thousands: "\u202f"}}, cases{"1\u202f000", uint64(1000), "10\u202f00", code(NotANumber), "1 000", code(NotANumber), "\u202f000", code(NotANumber), "1\u202f000.0", code(NotANumber)}},
		{"comma of a float", "Float64", Column{Rules: Rules{Decimal: ","}}, cases{"1,5e3", 1500.0, "1.5", code(NotANumber), "5,", 5.0, "+-5", code(NotANumber)}},
		{"warn", "Nullable(UInt8)", Column{Rules: Rules{OnError: Warn}}, cases{"300", warned{nil, OutOfRange}, "7", uint64(7)}},
		{"warn without NULL", "Enum8('b'=5, 'a'=7)", Column{Required: true, Rules: Rules{OnError: Warn}}, cases{"x", warned{"b", NotInEnum}, "", warned{"b", Required}}},
		{"warn of a list", "Array(UInt8)", Column{Rules: Rules{OnError: Warn}}, cases{"[1,300]", warned{[]any{}, OutOfRange}, "[1", warned{[]any{}, BadStructure}, "[1]", []any{uint64(1)}}},
		{"default", "Date", Column{Default: text("2000-01-01"), Rules: Rules{OnError: UseDefault, Min: "1990-01-01"}},
			cases{"1980-01-01", warned{utc("2000-01-01 00:00:00"), BelowMin}, "x", warned{utc("2000-01-01 00:00:00"), NotADate}, "", utc("2000-01-01 00:00:00")}},
		{"zone of the file", "DateTime('Asia/Tokyo')", Column{Zone: zoneOf(t, "America/New_York"), Rules: Rules{TimeZone: zoneOf(t, "Europe/Paris")}},
			cases{"2024-07-01 12:00:00", utc("2024-07-01 10:00:00"), "2024-03-31 02:30:00", code(MissingTime)}},
		{"null words and trim", "Nullable(String)", Column{Null: null, Rules: Rules{Trim: TrimBoth}}, cases{" - ", nil, " x", "x"}},
	} {
		rc.run(t)
	}
}

func TestFormats(t *testing.T) {
	day := utc("2024-02-05 00:00:00")
	for _, rc := range []ruleCase{
		{"%d/%m/%Y", "Date", Column{}, cases{"05/02/2024", day, "5/2/2024", code(NotADate), "05/02/2024 ", code(NotADate), "30/02/2024", code(NotADate), "05-02-2024", code(NotADate), "01/01/1960", code(OutOfRange), "", code(Blank)}},
		{"%-d.%-m.%y", "Date32", Column{}, cases{"5.2.24", day, "05.02.24", day, "1.1.69", utc("1969-01-01 00:00:00"), "1.1.68", utc("2068-01-01 00:00:00"), "005.2.24", code(NotADate)}},
		{"%e %b %Y", "Date", Column{}, cases{" 5 Feb 2024", day, "5 FEB 2024", day, "05 feb 2024", day, "5 February 2024", code(NotADate), " 15 Feb 2024", code(NotADate)}},
		{"%A, %B %d, %Y", "Date", Column{}, cases{"Monday, February 05, 2024", day, "Tuesday, February 05, 2024", code(NotADate)}},
		{"%a %Y-%j", "Date", Column{}, cases{"Mon 2024-036", day, "Sat 2023-366", code(NotADate), "Tue 2024-366", utc("2024-12-31 00:00:00"), "Mon 2024-000", code(NotADate)}},
		{"%Y%m%d%H%M%S", "Date", Column{}, cases{"20240205000000", day, "20240205000001", code(Scale)}},
		{"%Y%m%d%H%M%S", "DateTime", Column{}, cases{"20240205010203", utc("2024-02-05 01:02:03"), "20240205240000", code(NotATime), "20240205010260", code(NotATime)}},
		{"%F %T.%f", "DateTime64(3)", Column{}, cases{"2024-02-05 00:00:00.25", utc("2024-02-05 00:00:00.25"), "2024-02-05 00:00:00.2500000000", utc("2024-02-05 00:00:00.25"), "2024-02-05 00:00:00.0001", code(Scale), "2024-02-05 00:00:00.", code(NotATime)}},
		{"%D %I:%M %p", "DateTime", Column{}, cases{"02/05/24 12:00 AM", day, "02/05/24 12:30 pm", utc("2024-02-05 12:30:00"), "02/05/24 11:00 PM", utc("2024-02-05 23:00:00"), "02/05/24 13:00 PM", code(NotATime), "02/05/24 00:00 AM", code(NotATime)}},
		{"%FT%R%z", "DateTime", Column{Zone: zoneOf(t, "Asia/Tokyo")}, cases{"2024-02-05T01:00+01:00", day, "2024-02-05T00:00Z", day, "2024-02-04T19:00-0500", day, "2024-02-05T01:00+01", day, "2024-02-05T01:00", code(NotATime)}},
		{"%z %F %H", "DateTime", Column{}, cases{"+01:00 2024-02-05 01", day, "+01 2024-02-05 01", day, "Z 2024-02-05 00", day}},
		{"%F %R %Z", "DateTime", Column{Zone: zoneOf(t, "Asia/Tokyo")}, cases{"2024-02-05 00:00 UTC", day, "2024-02-05 00:00 GMT", day, "2024-02-05 00:00 CET", code(NotATime)}},
		{"%s", "DateTime('Asia/Tokyo')", Column{}, cases{"1707091200", day, "0", utc("1970-01-01 00:00:00"), "-1", code(OutOfRange), "4294967296", code(OutOfRange), "1.5", code(NotATime), "9999999999999", code(NotATime)}},
		{"%s.%f", "DateTime64(3, 'UTC')", Column{}, cases{"1707091200.000", day, "-1.5", utc("1969-12-31 23:59:58.5"), "-0.001", utc("1969-12-31 23:59:59.999"), "1.0001", code(Scale)}},
		{"%s.%f", "DateTime64(3, 'America/New_York')", Column{}, cases{"-2208970800.5", code(OutOfRange), "-2208970799.5", utc("1900-01-01 05:00:00.5")}},
		{"%s", "Date", Column{}, cases{"1707091200", day, "1707091201", code(Scale), "-86400", code(OutOfRange)}},
		{"%F %T", "DateTime", Column{Zone: zoneOf(t, "Europe/Paris")}, cases{"2024-10-27 02:30:00", code(AmbiguousTime), "2024-03-31 02:30:00", code(MissingTime), "2024-02-05 01:00:00", day}},
		{"%Y 100%% %m/%d", "Date", Column{}, cases{"2024 100% 02/05", day}},
	} {
		rc.name, rc.c.Rules.Format = rc.name+" "+rc.typ, formatOf(t, rc.name)
		rc.run(t)
	}
}

func TestRulesThatDontFit(t *testing.T) {
	for _, c := range []struct {
		rules Rules
		typ   string
		want  string
	}{
		{Rules{Format: formatOf(t, "%F")}, "String", "format is for dates"},
		{Rules{Format: formatOf(t, "%F %T%z")}, "Date", "distance from UTC"},
		{Rules{TimeZone: zoneOf(t, "UTC")}, "Date", "timezone is for"},
		{Rules{Decimal: ","}, "String", "are for numbers"},
		{Rules{Thousands: ","}, "Array(Float64)", "are for numbers"},
		{Rules{True: []string{"a"}}, "Float64", "true and false are for"},
		{Rules{True: []string{"a"}, False: []string{"a"}}, "Bool", "can't mean true and false"},
		{Rules{Min: "1"}, "UUID", "no least and greatest"},
		{Rules{Min: "1"}, "Array(UInt8)", "no least and greatest"},
		{Rules{Min: "-1"}, "UInt8", "min is refused: -1 is out of range"},
		{Rules{Max: "x"}, "Date", `max is refused: "x" is not a date`},
		{Rules{Min: "2", Max: "1"}, "UInt8", "min 2 is more than max 1"},
		{Rules{OnError: UseDefault}, "UInt8", "no default"},
		{Rules{Map: map[string]string{}, MapMissing: UseDefault}, "UInt8", "no default"},
		{Rules{}, "JSON(a UInt8)", "can't be checked"},
		{Rules{}, "JSON(SKIP a)", "can't be checked"},
	} {
		_, err := Compile([]Column{{Name: "col", Type: typeOf(t, c.typ), Rules: c.rules}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.typ, err, c.want)
		}
	}
	compiled(t, Column{Name: "c", Type: typeOf(t, "JSON(max_dynamic_paths=8, max_dynamic_types = 2)")})
}

// TestSecrets: nothing of a secret value is told, not even how long it is.
func TestSecrets(t *testing.T) {
	secret := "hunter2 é"
	for _, c := range []Column{
		{Type: typeOf(t, "UInt8")}, {Type: typeOf(t, "Date")}, {Type: typeOf(t, "FixedString(3)")}, {Type: typeOf(t, "Enum8('a'=1)")}, {Type: typeOf(t, "Array(UInt8)")}, {Type: typeOf(t, "JSON")},
		{Type: typeOf(t, "String"), Rules: Rules{MaxLength: 3}}, {Type: typeOf(t, "String"), Rules: Rules{Pattern: regexp.MustCompile("^x")}},
		{Type: typeOf(t, "String"), Rules: Rules{Map: map[string]string{"a": "b"}}}, {Type: typeOf(t, "String"), Rules: Rules{Min: "x"}}, {Type: typeOf(t, "Bool"), Rules: Rules{True: []string{"a"}}},
		{Type: typeOf(t, "Tuple(UInt8, Array(FixedString(2)))")},
	} {
		c.Name, c.Label, c.Secret = "c", "C", true
		for _, onError := range []Answer{Reject, Warn} {
			c.OnError = onError
			for _, v := range []string{secret, "(1,['" + secret + "'])", "['" + secret + "']"} {
				told := tell(t, c, v)
				if onError == Reject && told == "" {
					continue // taken
				}
				if strings.Contains(told, "hunter") || strings.Contains(told, "9") || strings.Contains(told, "10") || onError == Reject && !strings.Contains(told, Masked) {
					t.Errorf("%s: told is %s", c.Type, told)
				}
			}
		}
	}
	if _, err := Compile([]Column{{Name: "c", Type: typeOf(t, "UInt8"), Constant: []byte(secret), Rules: Rules{Secret: true}}}); err == nil || strings.Contains(err.Error(), "hunter") {
		t.Error(err)
	}
}

func TestMask(t *testing.T) {
	for secret, want := range map[bool]string{true: Masked, false: "a,b"} {
		p := compiled(t, Column{Name: "a", Type: typeOf(t, "String")}, Column{Name: "b", Type: typeOf(t, "String"), Rules: Rules{Secret: secret}})
		r := connectors.Reason{Value: []byte("a,b")}
		if p.Mask(&r); string(r.Value) != want {
			t.Errorf("%q, want %q", r.Value, want)
		}
	}
}

func tell(t *testing.T, c Column, v string) (told string) {
	t.Helper()
	r := compiled(t, c).NewRows()
	reasons, _ := r.Append(1, [][]byte{[]byte(v)}, nil, nil)
	for _, reason := range reasons {
		told += reason.Message + string(reason.Value)
	}
	r.Warnings(func(w Warning) { told += w.Message })
	return told
}

// TestWarningsOfRefusedRecords: what is odd in a record that isn't loaded isn't counted; what is counted is bounded.
func TestWarningsOfRefusedRecords(t *testing.T) {
	p := compiled(t, Column{Name: "a", Label: "A", Type: typeOf(t, "Nullable(UInt8)"), Rules: Rules{OnError: Warn}}, Column{Name: "b", Label: "B", Type: typeOf(t, "UInt8")},
		Column{Name: "c", Label: "C", Type: typeOf(t, "UInt8"), Rules: Rules{OnError: RejectFile}})
	r := p.NewRows()
	var got []Warning
	take := func(w Warning) { got = append(got, w) }
	var reasons []connectors.Reason
	for n, record := range []string{"x|y|1", "x|1|1", "999|1|1", "x|2|2", "1|1|1"} {
		r.Line = int64(100 + n)
		reasons, _ = r.Append(uint64(n+1), split(record), nil, reasons)
	}
	r.Warnings(take)
	if len(got) != 2 || got[0].Code != NotANumber || got[0].Count != 2 || got[0].Record != 2 || got[0].Line != 101 || got[1].Code != OutOfRange || got[1].Count != 1 || len(reasons) != 1 || r.Len() != 4 || r.Fatal() != nil {
		t.Errorf("%+v, %v", got, reasons)
	}
	reasons, ok := r.Append(6, split("x|x|x"), nil, nil)
	if fatal := r.Fatal(); ok || len(reasons) != 2 || fatal == nil || fatal.Column != "C" || fatal.Record != 6 {
		t.Errorf("%v, %v", reasons, fatal)
	}
	got = nil
	if r.Reset(); r.Fatal() != nil {
		t.Error("the fatal reason stays after Reset")
	}
	if r.Warnings(take); len(got) > 0 {
		t.Error("warnings stay after Reset")
	}
}

// TestWarningsSayWhatBecame: each kind of warning about a column says what became of its own values.
func TestWarningsSayWhatBecame(t *testing.T) {
	p := compiled(t, Column{Name: "a", Label: "A", Type: typeOf(t, "String"),
		Rules: Rules{Map: map[string]string{"m": "male"}, MapMissing: Warn, MaxLength: 5, OnError: Warn}})
	r := p.NewRows()
	for n, value := range []string{"too long", "x", "m"} {
		if reasons, ok := r.Append(uint64(n+1), [][]byte{[]byte(value)}, nil, nil); !ok {
			t.Error(reasons)
		}
	}
	var said []string
	r.Warnings(func(w Warning) { said = append(said, w.Code+" "+w.Message) })
	want := []string{`too_long Column "A": "too long" is longer than the 5 characters that are allowed; the record is loaded without the value.`,
		`not_in_map Column "A": "x" is not one of the values that are known; it is loaded as it is.`}
	if !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}

func TestNestedColumns(t *testing.T) {
	p := compiled(t, Column{Name: "n.k", Label: "K", Type: typeOf(t, "Array(String)")}, Column{Name: "x", Type: typeOf(t, "Array(UInt8)")}, Column{Name: "n.v", Label: "V", Type: typeOf(t, "Array(UInt8)")})
	r := p.NewRows()
	for record, want := range map[string]string{"['a']|[]|[1]": "", "[]||": "", "['a','b']|[1]|[1]": NestedSizes, "||[7]": NestedSizes} {
		reasons, ok := r.Append(1, split(record), nil, nil)
		if ok != (want == "") || !ok && (len(reasons) != 1 || reasons[0].Code != want || reasons[0].Column != "V") {
			t.Errorf("%s: %v", record, reasons)
		}
	}
	if r.Len() != 2 {
		t.Errorf("%d rows", r.Len())
	}
}

func TestElementMessages(t *testing.T) {
	for _, c := range []struct{ typ, text, want string }{
		{"Array(UInt8)", "[1, 300]", "300 is out of range for UInt8 (0 to 255) (an element, at byte 5 of the value)"},
		{"Array(UInt8)", "[1 2]", `"[1 2]" is not written as Array(UInt8): at byte 4 there should be , or ]`},
		{"Tuple(UInt8, String)", "(1)", `"(1)" is not written as Tuple(UInt8, String): at byte 3 there should be , and 1 more`},
		{"Map(String, Date)", "{'a':'2024-02-30'}", "2024-02-30 is not a date (YYYY-MM-DD) (an element, at byte 6 of the value)"},
		{"JSON", `{"a":1,"b":{"c":2},"b.c":3}`, `"{\"a\":1,\"b\":{\"c\":2},\"b.c\":3}" is not written as JSON: at byte 26 there should be a path that isn't there already`},
	} {
		_, reason := one(t, compiled(t, Column{Name: "c", Type: typeOf(t, c.typ)}), c.text, false)
		if reason == nil || reason.Message != c.want {
			t.Errorf("%s %q: got %+v, want %s", c.typ, c.text, reason, c.want)
		}
	}
	many := "[" + strings.Repeat("1,", maxElements) + "1]"
	if _, reason := one(t, compiled(t, Column{Name: "c", Type: typeOf(t, "Array(UInt8)")}), many, false); reason == nil || reason.Code != TooMany {
		t.Errorf("%+v", reason)
	}
	deep := strings.Repeat(`{"a":[`, maxJSONDepth) + strings.Repeat(`]}`, maxJSONDepth)
	if _, reason := one(t, compiled(t, Column{Name: "c", Type: typeOf(t, "JSON")}), deep, false); reason == nil || reason.Code != NotAJSON || !strings.Contains(reason.Message, "less depth") {
		t.Errorf("%+v", reason)
	}
}

// ruledPlan has a column for each rule that isn't slow by itself, and a record for it.
func ruledPlan(t testing.TB) (*Plan, [][]byte) {
	p := compiled(t,
		Column{Name: "a", Type: typeOf(t, "Decimal(12, 2)"), Rules: Rules{Decimal: ",", Thousands: ".", Min: "0", Max: "5000"}},
		Column{Name: "b", Type: typeOf(t, "DateTime"), Rules: Rules{Format: formatOf(t, "%d.%m.%Y %I:%M:%S %p %z")}},
		Column{Name: "c", Type: typeOf(t, "String"), Rules: Rules{Trim: TrimBoth, Case: UpperCase, MaxLength: 20, Min: "A"}},
		Column{Name: "d", Type: typeOf(t, "LowCardinality(String)"), Rules: Rules{Map: map[string]string{"m": "male"}, MapMissing: Keep}},
		Column{Name: "e", Type: typeOf(t, "UInt8"), Rules: Rules{True: []string{"ja"}, False: []string{"nein"}}},
		Column{Name: "f", Type: typeOf(t, "Array(Tuple(String, Nullable(UInt16)))")},
		Column{Name: "g", Type: typeOf(t, "Map(String, Array(Date))")},
		Column{Name: "h", Type: typeOf(t, "JSON")},
		Column{Name: "i", Type: typeOf(t, "Time64(3)"), Rules: Rules{OnError: Warn}},
		Column{Name: "j", Type: typeOf(t, "Array(UInt8)"), Rules: Rules{OnError: Warn}})
	return p, split(`1.234,56|05.02.2024 11:59:58 PM +01:00|  some näme |m|ja|[('a\'b',1),('c',NULL)]|{'k':['2024-02-29','2024-03-01'],'l':[]}|{"a":[{"b":1,"c":"x"},{"b":2.5}],"d":{"e":null}}|noon|[1,x]`)
}

func TestRulesAllocateNothing(t *testing.T) {
	p, fields := ruledPlan(t)
	r := p.NewRows()
	var b native.Block
	chunk := func(records int) func() {
		return func() {
			r.Reset()
			for n := range records {
				if reasons, ok := r.Append(uint64(n), fields, nil, nil); !ok {
					t.Fatal(reasons)
				}
			}
			r.Block(&b)
		}
	}
	// The first warning of each kind in a chunk is made with its message; further ones are only counted.
	few, many := testing.AllocsPerRun(20, chunk(10)), testing.AllocsPerRun(20, chunk(200))
	if many > few+10 || few > 40 { // the race detector makes a few of its own
		t.Errorf("%v allocations for 10 records, %v for 200", few, many)
	}
}

func BenchmarkRules(b *testing.B) {
	p, fields := ruledPlan(b)
	benchmarkAppend(b, p, fields)
}
