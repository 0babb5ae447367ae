package watcher

import (
	"cmp"
	"slices"
)

// tally counts entries, and keeps those that have been there longest.
type tally struct {
	taker   *taker // whose job wants them; nil: nobody
	counts  Counts
	oldest  moment // first sight of the oldest that waits, or never
	longest longest
}

// candidate is an entry that may be named: a job's, or one that nobody takes.
type candidate struct {
	name  string
	seen  moment
	since moment // of its state
	entry *entry
	other *other
}

// before is the order in which entries are named. It is the same at each look.
func (c candidate) before(d candidate) int {
	return cmp.Or(cmp.Compare(c.seen, d.seen), cmp.Compare(c.name, d.name))
}

// longest keeps the first `most` of all candidates in about twice their room.
type longest struct {
	most int
	kept []candidate
	full bool // kept has the first `most`, in order, at its beginning
}

func (l *longest) add(c candidate) {
	if l.full && c.before(l.kept[l.most-1]) > 0 {
		return
	}
	l.kept = append(l.kept, c)
	if len(l.kept)/2 >= l.most {
		l.cut()
	}
}

func (l *longest) cut() {
	slices.SortFunc(l.kept, candidate.before)
	if len(l.kept) >= l.most {
		l.kept, l.full = l.kept[:l.most], true
	}
}

// all are those that were kept, in order.
func (l *longest) all() []candidate {
	l.cut()
	return l.kept
}

func (t *tally) add(state State, c candidate) {
	t.counts[state]++
	if state.waits() {
		t.oldest = min(t.oldest, c.seen)
	}
	t.longest.add(c)
}

// tallies counts all entries: one tally for each job, and the last for those that nobody takes. in.mu is held.
func (in *inbox) tallies(most int) []*tally {
	var all []*tally
	of := make(map[*taker]*tally)
	for _, t := range append(append(slices.Clone(in.takers), in.leaving...), nil) {
		of[t] = &tally{taker: t, oldest: never, longest: longest{most: most}}
		all = append(all, of[t])
	}
	for name, e := range in.entries {
		of[e.owner()].add(e.state, candidate{name: name, seen: e.seen, since: e.stateSince, entry: e})
	}
	for name, r := range in.running {
		of[r.taker].add(Running, candidate{name: name, seen: r.seen, since: r.since, entry: r.entry})
	}
	for name, o := range in.others {
		of[nil].add(o.state, candidate{name: name, seen: o.since, since: o.since, other: o})
	}
	return all
}

// asTally is the tally for others. in.mu is held.
func (in *inbox) asTally(t *tally) Tally {
	shown := Tally{Store: in.store, Inbox: in.dir, Counts: t.counts}
	if t.taker != nil {
		shown.Job = t.taker.name
	}
	if t.oldest != never {
		shown.Oldest = in.clock.wall(t.oldest)
	}
	return shown
}
