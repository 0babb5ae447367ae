package ledger

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// staged returns runs that are ready to be published, for files with these names and bytes (name, bytes, name, bytes …).
func staged(t *testing.T, l *Ledger, namesAndBytes ...string) []Run {
	t.Helper()
	runs := make([]Run, len(namesAndBytes)/2)
	for i := range runs {
		runs[i].Job, runs[i].File.Name = "orders", namesAndBytes[2*i]
	}
	if err := l.Begin(limit(t), runs); err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		runs[i].SHA256 = namesAndBytes[2*i+1]
	}
	advance(t, l, runs, Claimed, Staging)
	return runs
}

// publish calls Publish for one run and returns the case in which it was refused, "" when it wasn't, and by whom.
func publish(t *testing.T, l *Ledger, r Run, want Identity) (Case, uint64) {
	t.Helper()
	r.State = Publishing
	taken, err := l.Publish(limit(t), []Run{r}, []Identity{want})
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Run(limit(t), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if written := got.State == Publishing; written == (len(taken) > 0) {
		t.Fatalf("taken %v, yet the run is %s", taken, got.State)
	}
	if len(taken) == 0 {
		return "", 0
	}
	if len(taken) != 1 || taken[0].Run != r.ID {
		t.Fatalf("taken %+v", taken)
	}
	return taken[0].Case, taken[0].Holder.ID
}

func TestPublishCases(t *testing.T) {
	all := Identity{MaySame: true, MayChanged: true, MayRenamed: true}
	usual := Identity{MayChanged: true} // the default policies
	tests := []struct {
		name, file, sha string
		may             Identity
		want            Case
	}{
		{"new", "b.csv", "B", Identity{}, ""},
		{"same", "a.csv", "A", usual, Same},
		{"same, load", "a.csv", "A", all, ""},
		{"changed, load", "a.csv", "B", usual, ""},
		{"changed, skip", "a.csv", "B", Identity{MaySame: true, MayRenamed: true}, Changed},
		{"renamed", "b.csv", "A", usual, Renamed},
		{"renamed, load", "b.csv", "A", Identity{MayRenamed: true}, ""},
		{"renamed isn't same", "b.csv", "A", Identity{MaySame: true, MayChanged: true}, Renamed},
		{"name in another case", "A.csv", "B", Identity{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := fresh(t)
			first := staged(t, l, "a.csv", "A")
			advance(t, l, first, Publishing, Published, Settled)
			next := staged(t, l, test.file, test.sha)[0]
			want := identity(next)
			want.MaySame, want.MayChanged, want.MayRenamed = test.may.MaySame, test.may.MayChanged, test.may.MayRenamed
			if holder, err := l.Holder(limit(t), want); err != nil || (holder != nil) != (test.want != "") {
				t.Errorf("beforehand: %+v (%v)", holder, err)
			}
			got, holder := publish(t, l, next, want)
			if got != test.want || (got != "" && holder != first[0].ID) {
				t.Errorf("%q by run %d, want %q", got, holder, test.want)
			}
		})
	}
}

// After a file was replaced by a newer one of its name, and the newer one's bytes came under another name, the first is still "the same".
func TestPublishLooksAtAllEarlierRuns(t *testing.T) {
	l := fresh(t)
	load := func(name, sha string) uint64 {
		r := staged(t, l, name, sha)[0]
		want := identity(r)
		want.MayChanged, want.MayRenamed = true, true
		if c, by := publish(t, l, r, want); c != "" {
			t.Fatalf("%s %s: %s by %d", name, sha, c, by)
		}
		return r.ID
	}
	first := load("a.csv", "A")
	second := load("a.csv", "B")
	third := load("c.csv", "A")
	again := staged(t, l, "a.csv", "A")[0]
	want := identity(again)
	want.MayChanged, want.MayRenamed = true, true
	if c, by := publish(t, l, again, want); c != Same || by != first {
		t.Errorf("%q by %d, want same by %d", c, by, first)
	}
	byBytes, byName, err := l.Identity(limit(t), "orders", "A", "a.csv")
	if err != nil || byBytes == nil || byName == nil || byBytes.ID != third || byName.ID != second {
		t.Errorf("known by bytes %+v, by name %+v (%v)", byBytes, byName, err)
	}
	byBytes, byName, err = l.Identity(limit(t), "other job", "A", "a.csv")
	if err != nil || byBytes != nil || byName != nil {
		t.Errorf("of another job: %+v, %+v (%v)", byBytes, byName, err)
	}
}

func TestOnlyLoadedFilesCount(t *testing.T) {
	for name, path := range map[string][]State{
		"rejected":             {Rejecting, Settled},
		"withdrawn":            {Publishing, Withdrawn},
		"taken back":           {Publishing, Claimed},
		"published, withdrawn": {Publishing, Published, Withdrawn},
	} {
		l := fresh(t)
		advance(t, l, staged(t, l, "a.csv", "A"), path...)
		next := staged(t, l, "a.csv", "A")[0]
		if c, by := publish(t, l, next, identity(next)); c != "" {
			t.Errorf("%s: %s by %d", name, c, by)
		}
	}
	for name, path := range map[string][]State{
		"publishing": {Publishing}, "published": {Publishing, Published}, "settled": {Publishing, Published, Settled},
		"publishing again": {Publishing, Claimed, Staging, Publishing},
	} {
		l := fresh(t)
		advance(t, l, staged(t, l, "a.csv", "A"), path...)
		next := staged(t, l, "a.csv", "A")[0]
		if c, _ := publish(t, l, next, identity(next)); c != Same {
			t.Errorf("%s: %q", name, c)
		}
	}
}

// Two equal files in one batch: the caller is told, makes the second a skip, and the batch goes through.
func TestPublishBatchWithEqualFiles(t *testing.T) {
	l := fresh(t)
	runs := staged(t, l, "a.csv", "A", "b.csv", "A", "c.csv", "C")
	var reserve []Identity
	for i := range runs {
		runs[i].State = Publishing
		reserve = append(reserve, identity(runs[i]))
	}
	taken, err := l.Publish(limit(t), runs, reserve)
	if err != nil || len(taken) != 1 || taken[0].Run != runs[1].ID || taken[0].Holder.ID != runs[0].ID || taken[0].Case != Renamed {
		t.Fatalf("taken %+v (%v)", taken, err)
	}
	for _, r := range runs {
		if got, err := l.Run(limit(t), r.ID); err != nil || got.State != Staging {
			t.Fatalf("run %d is %s though the call was refused (%v)", r.ID, got.State, err)
		}
	}
	runs[1].State, runs[1].Status, runs[1].SameAs = Rejecting, Skipped, taken[0].Holder.ID
	reserve = slices.Delete(reserve, 1, 2)
	for range 2 { // the second time as after a lost acknowledgement
		if taken, err = l.Publish(limit(t), runs, reserve); err != nil || taken != nil {
			t.Fatalf("taken %+v (%v)", taken, err)
		}
	}
	got, err := l.Run(limit(t), runs[1].ID)
	if err != nil || got.State != Rejecting || got.SameAs != runs[0].ID {
		t.Errorf("skipped as %+v (%v)", got, err)
	}
}

func TestPublishRefuses(t *testing.T) {
	l := fresh(t)
	runs := staged(t, l, "a.csv", "A", "b.csv", "B")
	runs[0].State, runs[1].State = Publishing, Rejecting
	a, b := identity(runs[0]), identity(runs[1])
	for name, reserve := range map[string][]Identity{
		"none":              {},
		"two":               {a, a},
		"for a rejected":    {a, b},
		"for another's run": {a, {Run: 99}},
	} {
		if _, err := l.Publish(limit(t), runs, reserve); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	runs[1].State = Settled
	if _, err := l.Publish(limit(t), runs, []Identity{a}); !errors.Is(err, ErrState) {
		t.Errorf("settled by Publish: %v", err)
	}
	if byBytes, _, err := l.Identity(limit(t), "orders", "A", ""); err != nil || byBytes != nil {
		t.Errorf("a refused call left %+v (%v)", byBytes, err)
	}
}

// Twenty calls at once, through two open ledgers as two processes would have them: one wins.
func TestPublishConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	ledgers := []*Ledger{open(t, path), open(t, path)}
	const n = 20
	runs := staged(t, ledgers[0], slices.Repeat([]string{"a.csv", "A"}, n)...)
	var wg sync.WaitGroup
	won := make([]bool, n)
	for i := range runs {
		wg.Go(func() {
			r := runs[i]
			r.State = Publishing
			taken, err := ledgers[i%2].Publish(limit(t), []Run{r}, []Identity{identity(r)})
			if err != nil {
				t.Error(err)
			}
			won[i] = err == nil && taken == nil
		})
	}
	wg.Wait()
	var winners []int
	for i, w := range won {
		got, err := ledgers[0].Run(limit(t), runs[i].ID)
		if err != nil || (got.State == Publishing) != w {
			t.Errorf("run %d is %s, won: %v (%v)", runs[i].ID, got.State, w, err)
		}
		if w {
			winners = append(winners, i)
		}
	}
	if len(winners) != 1 {
		t.Errorf("%d calls won", len(winners))
	}
}

// The lookups behind Publish must not read all that was ever loaded.
func TestIdentityUsesIndexes(t *testing.T) {
	l := fresh(t)
	if plan := explainPlan(t, l, anybody, "j", "s", []byte("n"), 1); strings.Contains(plan, "SCAN identities") || strings.Contains(plan, "(job=?)") {
		t.Errorf("anybody: %s", plan)
	}
	for _, h := range holders {
		plan := explainPlan(t, l, `SELECT max(run) FROM identities WHERE `+h.where, "j", "s", []byte("n"), 1)
		if !strings.Contains(plan, "SEARCH identities USING") || strings.Contains(plan, "(job=?)") {
			t.Errorf("%s: %s", h.found, plan)
		}
	}
}
