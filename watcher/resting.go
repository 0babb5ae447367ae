package watcher

import (
	"math/rand/v2"
	"slices"
	"time"

	"chute/config"
	"chute/connectors"
)

// resting is a run that is put off by itself: nothing is the matter but with its own file, and its job goes on with others.
type resting struct {
	tries int // in a row that came to this
	until moment
	due   bool // it is among the job's runs again
}

// restApart takes down what came of a round's runs: those that are put off by themselves have a back-off of their own. inbox.mu is held.
func (t *taker) restApart(r round, now moment, first, longest time.Duration) {
	for _, run := range r.asked {
		if !slices.ContainsFunc(r.apart, func(v connectors.Verdict) bool { return v.Run == run }) {
			delete(t.resting, run)
		}
	}
	for _, v := range r.apart {
		tries := t.resting[v.Run].tries + 1
		t.resting[v.Run] = resting{tries: tries, until: now + config.Backoff(first, longest, tries, rand.Float64())}
	}
}

// wakeRested has those runs gone on with whose rest is over, and tells how long the next one still has. inbox.mu is held.
func (t *taker) wakeRested(now moment) (left time.Duration) {
	left = never
	for run, r := range t.resting {
		switch {
		case r.due:
		case r.until > now:
			left = min(left, r.until-now)
		default:
			t.begin(run)
		}
	}
	return left
}

// begin has a run gone on with at the job's next turn. inbox.mu is held.
func (t *taker) begin(run uint64) {
	if !slices.Contains(t.runs, run) {
		t.runs = append(t.runs, run)
	}
	if r, rests := t.resting[run]; rests {
		r.due = true
		t.resting[run] = r
	}
}

// begun are the runs that wait to be gone on with. inbox.mu is held.
func (t *taker) begun() []uint64 {
	all := slices.Clone(t.runs)
	for run, r := range t.resting {
		if !r.due {
			all = append(all, run)
		}
	}
	slices.Sort(all[len(t.runs):])
	return all
}
