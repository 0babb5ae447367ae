package ledger

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// paths leads to each state by legal steps.
var paths = map[State][]State{
	Claiming:   {},
	Claimed:    {Claimed},
	Staging:    {Claimed, Staging},
	Publishing: {Claimed, Staging, Publishing},
	Published:  {Claimed, Staging, Publishing, Published},
	Rejecting:  {Claimed, Rejecting},
	Settled:    {Claimed, Staging, Publishing, Published, Settled},
	Withdrawn:  {Withdrawn},
}

// legal is the transition table once more, by origin: a change of one has to be a change of both.
var legal = map[State][]State{
	Claiming:   {Claiming, Claimed, Withdrawn},
	Claimed:    {Claimed, Staging, Rejecting, Withdrawn},
	Staging:    {Staging, Claimed, Publishing, Rejecting, Withdrawn},
	Publishing: {Publishing, Published, Claimed, Withdrawn},
	Published:  {Published, Settled, Withdrawn},
	Rejecting:  {Rejecting, Settled, Withdrawn},
	Settled:    {Settled},
	Withdrawn:  {Withdrawn},
}

func TestTransitions(t *testing.T) {
	l := fresh(t)
	for from, path := range paths {
		runs := begin(t, l, len(paths))
		advance(t, l, runs, path...)
		for to := range paths {
			r := runs[0]
			runs = runs[1:]
			r.State, r.Error = to, "changed"
			var err error
			if to == Publishing && from != Publishing {
				_, err = l.Publish(limit(t), []Run{r}, []Identity{identity(r)})
			} else {
				err = l.Update(limit(t), []Run{r})
			}
			want := slices.Contains(legal[from], to)
			if (err == nil) != want || (err != nil && !errors.Is(err, ErrState)) {
				t.Errorf("%s -> %s: %v", from, to, err)
			}
			got, err := l.Run(limit(t), r.ID)
			if written := got.State == to && got.Error == "changed"; err != nil || written != want {
				t.Errorf("%s -> %s: recorded as %s %q (%v)", from, to, got.State, got.Error, err)
			}
		}
	}
}

func TestUpdateRefuses(t *testing.T) {
	l := fresh(t)
	runs := begin(t, l, 3)
	advance(t, l, runs, Claimed, Staging)
	tests := map[string]struct {
		change func(*Run)
		want   error
	}{
		"unknown state":         {func(r *Run) { r.State = "elsewhere" }, ErrState},
		"no state":              {func(r *Run) { r.State = "" }, ErrState},
		"back to the beginning": {func(r *Run) { r.State = Claiming }, ErrState},
		"publishing":            {func(r *Run) { r.State = Publishing }, ErrState},
		"unknown run":           {func(r *Run) { r.ID = 99 }, ErrNoRun},
	}
	for name, test := range tests {
		changed := slices.Clone(runs)
		changed[0].Error = "written" // the good ones of the same call mustn't be written either
		test.change(&changed[1])
		if err := l.Update(limit(t), changed); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := l.Run(limit(t), runs[0].ID); err != nil || got.Error != "" {
			t.Errorf("%s: the rest was written (%v)", name, err)
		}
	}
	if _, err := l.Run(limit(t), 99); !errors.Is(err, ErrNoRun) || !strings.Contains(err.Error(), "99") {
		t.Errorf("unknown run: %v", err)
	}
}

func TestUnsettled(t *testing.T) {
	l := fresh(t)
	var want []uint64
	for _, s := range []State{Settled, Claimed, Withdrawn, Publishing, Claiming, Rejecting, Staging, Published} {
		runs := begin(t, l, 1)
		advance(t, l, runs, paths[s]...)
		if s != Settled && s != Withdrawn {
			want = append(want, runs[0].ID)
		}
	}
	got, err := l.Unsettled(limit(t))
	if err != nil {
		t.Fatal(err)
	}
	var ids []uint64
	for _, r := range got {
		ids = append(ids, r.ID)
	}
	if !slices.Equal(ids, want) {
		t.Errorf("unsettled %v, want %v", ids, want)
	}
}

func TestMoves(t *testing.T) {
	for _, bad := range []string{"x\n", `"a"` + "\n", `"a" b` + "\n"} {
		if moves, err := parseMoves(bad); err == nil {
			t.Errorf("%q was read as %v", bad, moves)
		}
	}
	want := []Move{{"a b", "\xff\n"}, {`"`, ""}}
	if got, err := parseMoves(formatMoves(want)); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
}

// PublishingFrom must name those that need the stage, and nobody else; and it mustn't read all that ever was.
func TestPublishingFrom(t *testing.T) {
	l := fresh(t)
	runs := staged(t, l, "a.csv", "A", "b.csv", "B", "c.csv", "C", "d.csv", "D")
	for i := range runs {
		runs[i].Stage, runs[i].State = "`s`", Publishing
	}
	runs[1].State, runs[3].Stage = Rejecting, "`t`"
	if taken, err := l.Publish(limit(t), runs, []Identity{identity(runs[0]), identity(runs[2]), identity(runs[3])}); err != nil || taken != nil {
		t.Fatalf("taken %+v (%v)", taken, err)
	}
	for stage, want := range map[string][]uint64{"`s`": {runs[0].ID, runs[2].ID}, "`t`": {runs[3].ID}, "`u`": nil} {
		if got, err := l.PublishingFrom(limit(t), stage); err != nil || !slices.Equal(got, want) {
			t.Errorf("from %s: %v (%v), want %v", stage, got, err, want)
		}
	}
	if plan := explainPlan(t, l, publishingFrom, Publishing, "`s`"); !strings.Contains(plan, "runs_unsettled") {
		t.Errorf("plan: %s", plan)
	}
}
