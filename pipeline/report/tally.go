package report

import (
	"cmp"
	"slices"

	"chute/connectors"
)

const (
	maxKinds    = 200 // kinds of reasons that are told apart: partners choose the names of columns
	maxExamples = 20
)

// Tally sums up the reasons of a run as they come, in bounded memory. The zero value is ready. It isn't safe for concurrent use.
type Tally struct {
	errors   uint64
	kinds    map[kind]*ReasonSum
	other    *ReasonSum
	examples []Example
}

type kind struct{ code, column, source string }

// Add counts one reason. It doesn't keep r.Value.
func (t *Tally) Add(r connectors.Reason) {
	t.errors++
	sum := t.sum(r)
	sum.Count++
	if sum.FirstLine == 0 || r.Line < sum.FirstLine {
		sum.FirstLine = r.Line
	}
	if len(t.examples) < maxExamples {
		t.examples = append(t.examples, Example{
			Record: r.Record, Line: r.Line, Offset: r.Offset, Column: Text(cut(r.Column, maxValue)), Code: r.Code,
			Value: Text(cut(string(r.Value), maxValue)), Message: Text(cut(r.Message, maxMessage)),
		})
	}
}

// sum returns the entry that a reason belongs to.
func (t *Tally) sum(r connectors.Reason) *ReasonSum {
	k := kind{r.Code, cut(r.Column, maxValue), r.Source}
	if s := t.kinds[k]; s != nil {
		return s
	}
	if len(t.kinds) == maxKinds {
		if t.other == nil {
			t.other = &ReasonSum{Code: "other"}
		}
		return t.other
	}
	if t.kinds == nil {
		t.kinds = map[kind]*ReasonSum{}
	}
	s := &ReasonSum{Code: k.code, Column: Text(k.column), Source: k.source}
	t.kinds[k] = s
	return s
}

// Fill sets Reasons, Examples and Counts.Errors to what was added.
func (t *Tally) Fill(p *Partner) {
	p.Counts.Errors = t.errors
	p.Examples = slices.Clone(t.examples)
	// The reasons come from several readers and checks: a person expects them in the file's order.
	slices.SortStableFunc(p.Examples, func(a, b Example) int { return cmp.Compare(a.Line, b.Line) })
	p.Reasons = nil
	for _, s := range t.kinds {
		p.Reasons = append(p.Reasons, *s)
	}
	slices.SortFunc(p.Reasons, func(a, b ReasonSum) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Source, b.Source))
	})
	if t.other != nil {
		p.Reasons = append(p.Reasons, *t.other)
	}
}
