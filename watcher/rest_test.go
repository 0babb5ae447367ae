package watcher

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"chute/config"
	"chute/connectors"
)

func TestNextSight(t *testing.T) {
	day := time.Unix(1e9, 0)
	file := connectors.File{Name: "a", Size: 5, ModTime: day, Inode: 7, Links: 1, Mode: 0o644}
	for name, test := range map[string]struct {
		change func(*connectors.File)
		anew   bool
	}{
		"same":       {func(*connectors.File) {}, false},
		"other zone": {func(f *connectors.File) { f.ModTime = day.In(time.FixedZone("east", 3600)) }, false},
		"link":       {func(f *connectors.File) { f.Links = 2 }, false},
		"mode":       {func(f *connectors.File) { f.Mode = 0o600 }, false},
		"grown":      {func(f *connectors.File) { f.Size++ }, true},
		"shrunk":     {func(f *connectors.File) { f.Size-- }, true},
		"touched":    {func(f *connectors.File) { f.ModTime = day.Add(1) }, true},
		"older":      {func(f *connectors.File) { f.ModTime = day.Add(-time.Hour) }, true},
		"replaced":   {func(f *connectors.File) { f.Inode++ }, true},
	} {
		t.Run(name, func(t *testing.T) {
			now := file
			test.change(&now)
			got := sight{file, 100}.next(now, span{200, 210})
			want := sight{now, 100}
			if test.anew {
				want.since = 210
			}
			if got != want {
				t.Errorf("sight %+v, want %+v", got, want)
			}
		})
	}
}

func TestRested(t *testing.T) {
	for _, test := range []struct {
		since moment
		look  span
		need  time.Duration
		want  bool
	}{
		{100, span{100, 100}, 0, false}, // the first look itself
		{100, span{101, 110}, 0, true},
		{100, span{109, 200}, 10, false}, // it began too early, however long it took
		{100, span{110, 110}, 10, true},
		{100, span{90, 100}, 0, false},
	} {
		if got := (sight{since: test.since}).rested(test.look, test.need); got != test.want {
			t.Errorf("since %d, look %v, need %d: %v", test.since, test.look, test.need, got)
		}
	}
}

func TestRestNeeded(t *testing.T) {
	for _, test := range []struct {
		settle     time.Duration
		size       int64
		unfinished bool
		want       time.Duration
	}{
		{5 * time.Second, 1, false, 5 * time.Second},
		{5 * time.Second, 1, true, 20 * time.Second},
		{5 * time.Second, 0, false, 15 * time.Second},
		{time.Second, 0, false, 15 * time.Second},
		{time.Minute, 0, true, 3 * time.Minute},
		{0, 1, true, 0},
	} {
		if got := restNeeded(test.settle, test.size, test.unfinished); got != test.want {
			t.Errorf("settle %v, size %d, unfinished %v: %v, want %v", test.settle, test.size, test.unfinished, got, test.want)
		}
	}
}

func TestGap(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{0: 50 * time.Millisecond, time.Millisecond: 50 * time.Millisecond, time.Second: 9 * time.Second} {
		if got := gap(d); got != want {
			t.Errorf("after %v: %v, want %v", d, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	for _, test := range []struct {
		attempts int
		chance   float64
		want     time.Duration
	}{
		{1, 0.5, time.Second}, {2, 0.5, 2 * time.Second}, {6, 0.5, 32 * time.Second}, {7, 0.5, time.Minute}, {40000, 0.5, time.Minute},
		{1, 0, 900 * time.Millisecond}, {1, 0.999999, 1100 * time.Millisecond}, {7, 0, 54 * time.Second},
	} {
		got := config.Backoff(time.Second, time.Minute, test.attempts, test.chance)
		if (got - test.want).Abs() > time.Microsecond*10 {
			t.Errorf("attempt %d, chance %v: %v, want %v", test.attempts, test.chance, got, test.want)
		}
	}
	if got := config.Backoff(time.Minute, time.Second, 3, 0.5); got != time.Second {
		t.Errorf("first above longest: %v", got)
	}
}

func TestEndsItsLine(t *testing.T) {
	for text, want := range map[string]bool{
		"\n": true, "x": false, "a\n": true, "a\r": true, "a\r\n": true, "a\nb": false, "a\n ": false,
		"a\x00\n\x00": true, "a\x00b\x00": false, "\x00a\x00\n": true, "a\x00\n\x00b": false, "ab\x00": false,
		"\x1f\x8b\x08 more": true, "\x28\xb5\x2f\xfdmore": true, "PK\x03\x04more": true, "BZh9more": true, "PKmore": false,
	} {
		got, err := endsItsLine(strings.NewReader(text), int64(len(text)))
		if err != nil || got != want {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
	if _, err := endsItsLine(bytes.NewReader([]byte("short")), 10); err == nil {
		t.Error("a file that got shorter has an end")
	}
}

func TestWantsLineEnd(t *testing.T) {
	for _, test := range []struct {
		format config.Format
		want   bool
	}{
		{config.Format{}, true},
		{config.Format{Type: "tsv", Compression: "auto", LastLine: "required"}, true},
		{config.Format{Type: "csv", LastLine: "any"}, false},
		{config.Format{Type: "csv", Compression: "gzip"}, false},
		{config.Format{Type: "parquet"}, false},
	} {
		if got := wantsLineEnd(test.format); got != test.want {
			t.Errorf("%+v: %v", test.format, got)
		}
	}
}

func TestJudgeFiles(t *testing.T) {
	a, b, c := connectors.File{Name: "a"}, connectors.File{Name: "b"}, connectors.File{Name: "c"}
	bad, missing := errors.New("bad"), errors.New("missing")
	gone := fmt.Errorf("gone: %w", fs.ErrNotExist)
	for name, test := range map[string]struct {
		verdicts []connectors.Verdict
		left     map[string]error
		resume   []uint64
		stuck    int
		cause    error
		gone     int
	}{
		"all finished": {
			verdicts: []connectors.Verdict{{File: a, Outcome: connectors.Done, Run: 1}, {File: b, Outcome: connectors.Rejected, Run: 2}, {File: c, Outcome: connectors.Done}},
		},
		"in another order": {
			verdicts: []connectors.Verdict{{File: c, Err: bad}, {File: b, Run: 2, Err: bad}, {File: a, Outcome: connectors.Done}},
			left:     map[string]error{"c": bad}, resume: []uint64{2}, cause: bad,
		},
		"none":           {left: map[string]error{"a": missing, "b": missing, "c": missing}, cause: missing},
		"one is missing": {verdicts: []connectors.Verdict{{File: a, Outcome: connectors.Done}, {File: c, Outcome: connectors.Done}}, left: map[string]error{"b": missing}, cause: missing},
		"stuck is no reason to pause": {
			verdicts: []connectors.Verdict{{File: a, Run: 1, Stuck: true, Err: bad}, {File: b, Outcome: connectors.Done}, {File: c, Outcome: connectors.Done}}, stuck: 1,
		},
		"taken by somebody else": {
			verdicts: []connectors.Verdict{{File: a, Err: gone}, {File: b, Run: 2, Err: gone}, {File: c, Outcome: connectors.Done}}, resume: []uint64{2}, cause: gone, gone: 1,
		},
		"later without a reason": {
			verdicts: []connectors.Verdict{{File: a}, {File: b, Outcome: connectors.Done}, {File: c, Outcome: connectors.Done}},
			left:     map[string]error{"a": reasonOf(connectors.Verdict{})}, cause: reasonOf(connectors.Verdict{}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := judgeFiles([]connectors.File{a, b, c}, test.verdicts, missing)
			checkRound(t, r, test.left, test.resume, test.stuck, test.cause)
			if want := 3 - len(r.left) - len(r.resume) - len(r.stuck) - test.gone; r.finished != want {
				t.Errorf("%d finished, want %d", r.finished, want)
			}
		})
	}
}

func TestJudgeRuns(t *testing.T) {
	bad, missing := errors.New("bad"), errors.New("missing")
	for name, test := range map[string]struct {
		verdicts []connectors.Verdict
		resume   []uint64
		stuck    int
		cause    error
	}{
		"all finished":       {verdicts: []connectors.Verdict{{Run: 1, Outcome: connectors.Done}, {Run: 2, Outcome: connectors.Rejected}}},
		"withdrawn":          {verdicts: []connectors.Verdict{{Err: bad}, {Run: 2, Outcome: connectors.Done}}, cause: bad},
		"again":              {verdicts: []connectors.Verdict{{Run: 1, Outcome: connectors.Done}, {Run: 2, Err: bad}}, resume: []uint64{2}, cause: bad},
		"stuck":              {verdicts: []connectors.Verdict{{Run: 1, Stuck: true, Err: bad}, {Run: 2, Outcome: connectors.Done}}, stuck: 1},
		"none":               {resume: []uint64{1, 2}, cause: missing},
		"one is missing":     {verdicts: []connectors.Verdict{{Run: 1, Outcome: connectors.Done}}, resume: []uint64{2}, cause: missing},
		"of somebody else's": {verdicts: []connectors.Verdict{{Run: 9, Outcome: connectors.Done}, {Run: 2, Outcome: connectors.Done}}, resume: []uint64{1}, cause: missing},
	} {
		t.Run(name, func(t *testing.T) {
			checkRound(t, judgeRuns([]uint64{1, 2}, test.verdicts, missing), nil, test.resume, test.stuck, test.cause)
		})
	}
}

func checkRound(t *testing.T, r round, left map[string]error, resume []uint64, stuck int, cause error) {
	t.Helper()
	if len(r.left) != len(left) {
		t.Errorf("left %v, want %v", r.left, left)
	}
	for name, err := range left {
		if r.left[name] == nil || r.left[name].Error() != err.Error() {
			t.Errorf("%s left with %v, want %v", name, r.left[name], err)
		}
	}
	if !slices.Equal(r.resume, resume) || len(r.stuck) != stuck {
		t.Errorf("resume %v and %d stuck, want %v and %d", r.resume, len(r.stuck), resume, stuck)
	}
	if (r.cause == nil) != (cause == nil) || cause != nil && r.cause.Error() != cause.Error() {
		t.Errorf("cause %v, want %v", r.cause, cause)
	}
}

func TestStateNames(t *testing.T) {
	seen := make(map[string]bool)
	for s := Settling; s <= Running; s++ {
		name, err := s.MarshalText()
		if err != nil || len(name) == 0 || seen[string(name)] {
			t.Errorf("state %d has the name %q", s, name)
		}
		seen[string(name)] = true
	}
	if State(200).String() != "unknown" {
		t.Errorf("state 200 is %q", State(200))
	}
}
