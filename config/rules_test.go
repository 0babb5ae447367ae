package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestTimeFormats(t *testing.T) {
	for _, good := range []string{"%d/%m/%Y", "%-d.%-m.%y", "%e %b %Y", "%A, %B %d, %Y", "%Y-%j", "%Y%m%d%H%M%S", "%F %T.%f", "%D %I:%M %p", "%FT%R%z", "%F %R %Z", "%s", "%s.%f", "%h %d %Y", "%Y 100%% %m/%d", "%H %F", "%-H h %F"} {
		var f TimeFormat
		if err := f.UnmarshalText([]byte(good)); err != nil || f.String() != good || f.IsZero() {
			t.Errorf("%s: %v, prints %s", good, err, f)
		}
	}
	for bad, want := range map[string]string{
		"": "year is missing", "%": "not a word", "%-": "not a word", "%-Y": "not a word", "%q": "not a word", "%d/%m": "year is missing", "%Y": "month or day is missing", "%Y-%m": "month or day",
		"%Y-%d": "month or day", "%F %I:%M": "%I needs %p", "%F %p": "%p needs %I", "%F %M": "needs the hour", "%F %H %S": "needs %M", "%F %T %f %f": "say the same", "%F %f": "%f needs %S", "%F %z": "needs the hour",
		"%Y %y %m %d": "say the same", "%F %s": "say the same", "%m %b %d %Y": "say the same", "%j %d %Y": "say the same", "%-d%m%Y": "behind %-d there must be", "%F %s5": "say the same", "%e%m %Y": "behind %e there must be",
		"%F %T.%f0": "behind %f there must be", "%H%I %p %F": "say the same",
	} {
		var f TimeFormat
		if err := f.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), want) || !f.IsZero() {
			t.Errorf("%q: %v, want %s", bad, err, want)
		}
	}
	var f TimeFormat
	if err := f.UnmarshalText([]byte("%-d. %F %R")); err == nil {
		t.Error("a day is taken twice")
	}
	if err := f.UnmarshalText([]byte("at %R, %-d.%m.%Y")); err != nil || !f.Has("HM") || f.Has("Sfzs") {
		t.Error(err)
	}
	want := []TimeWord{{Literal: "at "}, {Letter: 'H'}, {Literal: ":"}, {Letter: 'M'}, {Literal: ", "}, {Letter: 'd', Loose: true}, {Literal: "."}, {Letter: 'm'}, {Literal: "."}, {Letter: 'Y'}}
	if !reflect.DeepEqual(f.Words(), want) {
		t.Errorf("%+v", f.Words())
	}
}

// FuzzTimeFormat: no format panics, and what is taken names a day without a doubt.
func FuzzTimeFormat(f *testing.F) {
	for _, s := range []string{"%d/%m/%Y", "%F %T.%f", "%s", "%-d%%%e", "%", "%-", "%D%R"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var made TimeFormat
		if made.UnmarshalText([]byte(text)) != nil {
			return
		}
		if !made.Has("s") && (!made.Has("Yy") || !made.Has("j") && !(made.Has("mbB") && made.Has("de"))) {
			t.Errorf("%q names no day", text)
		}
		seen := map[byte]bool{}
		for _, w := range made.Words() {
			if w.Letter != 0 && seen[w.Letter] || w.Letter == 0 && w.Literal == "" {
				t.Errorf("%q: %+v", text, made.Words())
			}
			seen[w.Letter] = true
		}
	})
}

func TestSeparatorsAndBounds(t *testing.T) {
	for text, good := range map[string]bool{"": true, ",": true, "'": true, " ": true, "\u202f": true, "\u00a0": true, "..": false, "1": false, "e": false, "-": false, "+": false, "\n": false, "\xff": false, "é": false, "\x00": false} {
		var s Separator
		if err := s.UnmarshalText([]byte(text)); (err == nil) != good || good && string(s) != text {
			t.Errorf("%q: %v", text, err)
		}
	}
	var b Bound
	if b.UnmarshalText(nil) == nil || b.UnmarshalText([]byte("1990-01-01")) != nil || b != "1990-01-01" {
		t.Errorf("%q", b)
	}
}

// TestRulesAreDecoded: what a job's file says about columns arrives.
func TestRulesAreDecoded(t *testing.T) {
	_, jobs, err := Load("testdata/good/rules/chute.toml")
	if err != nil {
		t.Fatal(err)
	}
	c := jobs[0].Columns
	born, worth, married, sex, since := c[0], c[1], c[2], c[3], c[4]
	switch {
	case born.Format.String() != "%d/%m/%y %I:%M:%S %p", born.Timezone.String() != "Europe/Paris", born.OnError != "default", born.Decimal != ".", born.Trim != "none", born.Case != "keep", born.MapMissing != "keep":
		t.Errorf("%+v", born)
	case worth.Decimal != ",", worth.Thousands != ".", worth.Min != "-5", worth.Max != "1000.5", !reflect.DeepEqual(worth.Null, []string{"-", "n/a"}), !worth.Secret, worth.OnError != "warn":
		t.Errorf("%+v", worth)
	case married.Trim != "both", married.Case != "lower", !reflect.DeepEqual(married.True, []string{"ja", "x"}), !reflect.DeepEqual(married.False, []string{"nein"}), married.OnError != "reject-file":
		t.Errorf("%+v", married)
	case sex.MaxLength != 6, sex.Regexp.Expression() == nil, sex.Regexp.Expression().MatchString("a"), sex.MapMissing != "warn",
		!reflect.DeepEqual(sex.Map, map[string]string{"M": "MALE", "F.": "FEMALE", "not known": ""}):
		t.Errorf("%+v", sex)
	case since.Map["never"] != "2199-12-31", since.Min != "1990-01-01", since.Timezone != nil, since.Secret:
		t.Errorf("%+v", since)
	}
	// What is printed means the same.
	var again Job
	var problems Problems
	tree := parse("effective", []byte(jobs[0].Effective), &problems)
	decode(tree, &again, &problems)
	if err := problems.err(); err != nil || !reflect.DeepEqual(again.Columns[3].Map, sex.Map) {
		t.Errorf("%v, %+v", err, again.Columns)
	}
}
