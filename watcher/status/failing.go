package status

import (
	"fmt"
	"slices"
	"strings"
)

// failing tells of inboxes that can't be looked at. What all of a store have in common, as a server's changed key, is said once, with the number of jobs that it concerns.
func (j *judgement) failing(s Snapshot) {
	type trouble struct{ store, why string }
	var order []trouble
	places := map[trouble][]Store{}
	for _, p := range s.Daemon.Stores {
		if !p.Failing {
			continue
		}
		t := trouble{p.Store, p.why()}
		if places[t] == nil {
			order = append(order, t)
		}
		places[t] = append(places[t], p)
	}
	for _, t := range order {
		all := places[t]
		if len(all) == 1 {
			j.add("store-failing", "", "the inbox %s of store %s can't be looked at since %s: %s", all[0].Inbox, t.store, stamp(all[0].Since), all[0].Reason)
			continue
		}
		since := slices.MinFunc(all, func(a, b Store) int { return a.Since.Compare(b.Since) }).Since
		j.add("store-failing", "", "%d inboxes of store %s, those of %s, can't be looked at since %s: %s",
			len(all), t.store, count(concerned(s.Jobs, all), "job", "jobs"), stamp(since), t.why)
	}
}

// why is the reason without the folder that was listed, in which inboxes of one store differ.
func (p Store) why() string { return strings.TrimPrefix(p.Reason, fmt.Sprintf("list %q: ", p.Inbox)) }

// concerned counts the jobs that have one of the inboxes.
func concerned(jobs []Job, places []Store) (n int) {
	for _, job := range jobs {
		if slices.ContainsFunc(places, func(p Store) bool { return p.Store == job.Store && p.Inbox == job.Inbox }) {
			n++
		}
	}
	return n
}
