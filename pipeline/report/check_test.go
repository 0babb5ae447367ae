package report

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chute/connectors"
)

// generated plays a file record by record and counts as a run does.
func generated(t *rapid.T) *Partner {
	var p Partner
	var tally Tally
	c := &p.Counts
	file := rapid.SampledFrom([]Result{Loaded, Rejected, Skipped}).Draw(t, "file")
	records := rapid.IntRange(0, 300).Draw(t, "records")
	if file == Skipped {
		records = 0
	}
	loaded := []*uint64{&c.Inserted, &c.Updated, &c.Deleted, &c.Unchanged}
	for i := range records {
		c.Total++
		kind := rapid.IntRange(0, 6).Draw(t, "kind")
		if kind == 6 {
			c.Empty++
			continue
		}
		c.Processed++
		switch {
		case kind == 5:
			c.Rejects++
			for range rapid.IntRange(1, 3).Draw(t, "reasons") {
				column := rapid.IntRange(0, 400).Draw(t, "column")
				tally.Add(connectors.Reason{Record: uint64(i + 1), Line: int64(i + 2), Code: "bad", Column: fmt.Sprint(column)})
			}
		case kind == 4 || file == Rejected:
			c.Skipped++
		default:
			c.Success++
			*loaded[kind]++
		}
		if rapid.Bool().Draw(t, "key seen") {
			c.Doubles++
		}
	}
	tally.Fill(&p)
	if n := rapid.Uint64Range(0, 9).Draw(t, "warnings"); n > 0 {
		c.Warnings, p.Warnings = n+1, []Warning{{Code: "a", Count: n}, {Code: "b", Count: 1}}
	}
	switch p.Result = file; {
	case file == Loaded && c.Rejects > 0:
		p.Result = LoadedWithRejects
	case file == Rejected:
		p.Rejection = &Rejection{Code: "too_many_rejects"}
	case file == Skipped:
		p.SameAs = &SameAs{Run: 1}
	}
	return &p
}

// Counts that were counted always add up, and no longer once any of those that enter a sum is off by one.
func TestCheckProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := generated(t)
		if err := p.Check(); err != nil {
			t.Fatalf("%+v: %v", p.Counts, err)
		}
		v := reflect.ValueOf(&p.Counts).Elem()
		i := rapid.IntRange(0, v.NumField()-1).Draw(t, "field")
		name, field := v.Type().Field(i).Name, v.Field(i)
		if name == "Doubles" || name == "Duplicates" {
			field.SetUint(p.Counts.Processed + 1) // these overlap with the others and have only a bound
		} else {
			field.SetUint(field.Uint() + 1)
		}
		if p.Check() == nil {
			t.Fatalf("%s changed to %d isn't noticed: %+v", name, field.Uint(), p.Counts)
		}
	})
}

func TestCheckResult(t *testing.T) {
	for what, change := range map[string]func(*Partner){
		"lacks its rejection":                       func(p *Partner) { p.Result = Rejected },
		"has a rejection":                           func(p *Partner) { p.Rejection = &Rejection{} },
		"names another run":                         func(p *Partner) { p.SameAs = &SameAs{} },
		"doesn't name the run that loaded it":       func(p *Partner) { p.Result = Skipped },
		"is loaded has 2 rejects":                   func(p *Partner) { p.Result = Loaded },
		"is rejected has 8 loaded records":          func(p *Partner) { p.Result, p.Rejection = Rejected, &Rejection{} },
		"unknown result \"maybe\"":                  func(p *Partner) { p.Result = "maybe" },
		"examples = 3 is more than errors = 2":      func(p *Partner) { p.Counts.Errors = 2 },
		"3 errors, but no rejects":                  func(p *Partner) { p.Counts.Rejects = 0 },
		"warnings = 1, but sum of the warnings = 0": func(p *Partner) { p.Warnings = nil },
	} {
		r := whole()
		change(&r.Partner)
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// However many kinds of reasons a file has, memory is bounded and the sums are right.
func TestTallyBounds(t *testing.T) {
	var tally Tally
	long := strings.Repeat("c", 5000)
	const n = 5 * maxKinds
	for i := range n {
		tally.Add(connectors.Reason{
			Line: int64(n - i), Code: "bad", Column: fmt.Sprint(i, long), Value: []byte(long), Message: long, Source: "text",
		})
	}
	var p Partner
	tally.Fill(&p)
	last := p.Reasons[len(p.Reasons)-1]
	if len(p.Reasons) != maxKinds+1 || last.Code != "other" || last.Count != n-maxKinds || last.FirstLine != 1 || p.Counts.Errors != n {
		t.Errorf("%d kinds, last %+v, %d errors", len(p.Reasons), last, p.Counts.Errors)
	}
	if len(p.Examples) != maxExamples || len(p.Examples[0].Value) != maxValue || len(p.Examples[0].Message) != maxMessage ||
		len(p.Reasons[0].Column) != maxValue {
		t.Errorf("%d examples, first %+v", len(p.Examples), p.Examples[0])
	}
	for i := 1; i < len(p.Examples); i++ {
		if p.Examples[i].Line < p.Examples[i-1].Line {
			t.Errorf("line %d after %d", p.Examples[i].Line, p.Examples[i-1].Line)
		}
	}
}
