package status

import (
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"chute/pipeline/ledger"
)

// The measures of a chart, in the units of its viewBox, which are about pixels.
const (
	chartWidth, chartHeight = 360, 150
	chartLeft               = 46 // of the bars: the scale stands before them
	chartTop, chartBottom   = 8, 128
)

// period is a time of which there are charts, cut into spans of the same length.
type period struct {
	ID, Name string
	Charts   []chart
	Rows     []span // those in which runs ended, the latest first
}

// span sums up the runs that ended in it.
type span struct{ ledger.Hour }

// Mean is how long a run took.
func (s span) Mean() time.Duration { return s.Took / time.Duration(max(s.Runs, 1)) }

type chart struct {
	Name, Period, Summary, Tone string
	Width, Height               int
	Lines                       []mark // of the scale
	Bars                        []bar
	Marks                       []mark // of the time
}

type bar struct {
	X, Y, Width, Height float64
	Text                string
}

type mark struct {
	At   float64
	Text string
}

// HistoryDays is how far back the charts go.
const HistoryDays = 30

// periods are the last day by the hour and the last days by the day.
func periods(hours []ledger.Hour, now time.Time, exports bool) []period {
	hour := now.UTC().Truncate(time.Hour).Add(-23 * time.Hour)
	day := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-HistoryDays)
	return []period{
		newPeriod("day", "The last 24 hours", hour, time.Hour, 24, "15:04", 6, hours, exports),
		newPeriod("month", fmt.Sprintf("The last %d days", HistoryDays), day, 24*time.Hour, HistoryDays, "Jan 2", 7, hours, exports),
	}
}

func newPeriod(id, name string, start time.Time, step time.Duration, n int, layout string, every int, hours []ledger.Hour, exports bool) period {
	spans := make([]span, n)
	for i := range spans {
		spans[i].Start = start.Add(time.Duration(i) * step)
	}
	for _, h := range hours {
		if i := int(h.Start.Sub(start) / step); !h.Start.Before(start) && i < n {
			s := &spans[i]
			s.Runs, s.Loaded, s.Rejects, s.Took, s.Longest = s.Runs+h.Runs, s.Loaded+h.Loaded, s.Rejects+h.Rejects, s.Took+h.Took, max(s.Longest, h.Longest)
			s.Exported += h.Exported
		}
	}
	p := period{ID: id, Name: name}
	for i := range spans {
		if s := spans[n-1-i]; s.Runs > 0 {
			p.Rows = append(p.Rows, s)
		}
	}
	for _, m := range measures {
		if m.exports && !exports {
			continue
		}
		c := m.draw(spans, layout, every)
		c.Period = strings.ToLower(name[:1]) + name[1:]
		p.Charts = append(p.Charts, c)
	}
	return p
}

// measure is what a chart shows of each span.
type measure struct {
	name, tone string
	of         func(span) float64
	text       func(float64) string
	counts     bool // there are no halves, and a sum says something
	exports    bool // it is only shown where there are exports
}

var measures = []measure{
	{"Records loaded", "loaded", func(s span) float64 { return float64(s.Loaded) }, counted, true, false},
	{"Records refused", "refused", func(s span) float64 { return float64(s.Rejects) }, counted, true, false},
	{"Time a run took", "took", func(s span) float64 { return s.Mean().Seconds() }, timed, false, false},
	{"Records exported", "exported", func(s span) float64 { return float64(s.Exported) }, counted, true, true},
}

func counted(v float64) string { return message.NewPrinter(language.English).Sprintf("%d", int64(v)) }

func timed(v float64) string { return took(time.Duration(v * float64(time.Second))) }

// draw draws a bar for each span, with a scale and a mark at every so many.
func (m measure) draw(spans []span, layout string, every int) chart {
	c := chart{Name: m.name, Tone: m.tone, Width: chartWidth, Height: chartHeight}
	highest, total, at := 0.0, 0.0, 0
	for i, s := range spans {
		v := m.of(s)
		if total += v; v > highest {
			highest, at = v, i
		}
	}
	top := m.scale(highest)
	height := func(v float64) float64 { return v / top * (chartBottom - chartTop) }
	for _, v := range []float64{0, top / 2, top} {
		c.Lines = append(c.Lines, mark{tenth(chartBottom - height(v)), m.short(v)})
	}
	wide := float64(chartWidth-chartLeft) / float64(len(spans))
	for i, s := range spans {
		x := chartLeft + float64(i)*wide
		if v := m.of(s); v > 0 {
			h := max(height(v), 1) // also the lowest is seen
			c.Bars = append(c.Bars, bar{tenth(x + 1), tenth(chartBottom - h), tenth(wide - 2), tenth(h), s.Start.Format(layout) + ": " + m.text(v)})
		}
		if (len(spans)-1-i)%every == 0 && i > 0 {
			c.Marks = append(c.Marks, mark{tenth(min(x+wide/2, chartWidth-16)), s.Start.Format(layout)})
		}
	}
	if c.Summary = "none"; highest > 0 {
		c.Summary = fmt.Sprintf("at most %s, %s", m.text(highest), spans[at].Start.Format(layout))
		if m.counts {
			c.Summary = m.text(total) + " in all, " + c.Summary
		}
	}
	return c
}

// scale is the end of a scale for values up to v. Its half is a round number too.
func (m measure) scale(v float64) float64 {
	if v <= 0 || m.counts && v < 2 {
		return 2
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 4, 6, 8} {
		if v <= n*unit {
			return n * unit
		}
	}
	return 10 * unit
}

// short writes a number of the scale, for which there is little room.
func (m measure) short(v float64) string {
	switch {
	case m.counts && v >= 1e9:
		return fmt.Sprintf("%g G", v/1e9)
	case m.counts && v >= 1e6:
		return fmt.Sprintf("%g M", v/1e6)
	case m.counts && v >= 10_000:
		return fmt.Sprintf("%g k", v/1e3)
	}
	return m.text(v)
}

func tenth(v float64) float64 { return math.Round(10*v) / 10 }
