package main

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"

	"chute/config"
	"chute/pipeline/ledger"
	"chute/watcher"
	"chute/watcher/status"
)

// jobStatus tells about one job.
func jobStatus(job *config.Job, seen watcher.Snapshot, hold ledger.Hold, unwell []ledger.Run) status.Job {
	s := status.Job{
		Schema: status.Schema, Job: job.Name, Label: job.Label, Kind: job.Kind, Store: job.Store, Inbox: job.Inbox, State: "idle",
		Files: map[string]int{}, Waiting: []status.File{}, Runs: []status.Run{}, StuckAfter: wholeSeconds(job.StuckAfter),
	}
	total := 0
	var counts watcher.Counts
	for _, t := range seen.Tallies { // two, while an earlier configuration of the job has a file of another inbox under way
		if t.Job != job.Name {
			continue
		}
		for state, n := range t.Counts {
			total += n
			counts[state] += n
		}
		if !t.Oldest.IsZero() {
			s.Oldest = t.Oldest.UTC()
		}
	}
	s.Files = countStates(counts)
	s.Waiting, s.LeftOut = named(seen.Waiting, func(w watcher.Waiting) bool { return w.Job == job.Name }, total, waitingNamed)
	addRuns(&s, unwell)
	setState(&s, job, seen, hold, total)
	return s
}

// goneStatuses tells about jobs that aren't configured any more and have runs that wait all the same.
func (d *daemon) goneStatuses(there []status.Job, unwell map[string][]ledger.Run) (gone []status.Job) {
	for _, name := range slices.Sorted(maps.Keys(unwell)) {
		if slices.ContainsFunc(there, func(j status.Job) bool { return j.Job == name }) {
			continue
		}
		first := unwell[name][0]
		why := "the job isn't configured any more"
		if d.config.Store(first.Store) == nil && !byHand(first) {
			why = "neither the job nor its store " + config.Shown(first.Store) + " is configured any more"
		}
		if i := slices.IndexFunc(unwell[name], func(run ledger.Run) bool { return run.Kind == ledger.Import && cancelsLate[run.State] != "" }); i >= 0 {
			why += fmt.Sprintf("; run %d can't be cancelled any more: only the job, brought back as it was, ends it", unwell[name][i].ID)
		}
		s := status.Job{
			Schema: status.Schema, Job: name, Kind: first.Kind, Store: config.Shown(first.Store), State: status.Gone, Reason: why,
			Files: map[string]int{}, Waiting: []status.File{}, Runs: []status.Run{},
		}
		addRuns(&s, unwell[name])
		gone = append(gone, s)
	}
	return gone
}

// holdStatuses tells about holds of jobs that aren't configured any more: what is held so may have another name now, and isn't held under it.
func (d *daemon) holdStatuses(there []status.Job, held map[string]ledger.Hold) (gone []status.Job) {
	for _, name := range goneHolds(held, d.config, d.jobs) {
		hold := held[name]
		why := "no job has this name any more, and one that has another name now isn't held; it is held for: " + hold.Reason
		if i := slices.IndexFunc(there, func(j status.Job) bool { return j.Job == name }); i >= 0 {
			there[i].Reason += "; it is held for: " + hold.Reason
			continue
		}
		gone = append(gone, status.Job{
			Schema: status.Schema, Job: name, State: status.Held, Reason: why, Since: hold.Since.UTC(),
			Files: map[string]int{}, Waiting: []status.File{}, Runs: []status.Run{},
		})
	}
	return gone
}

// setState says in a word how the job is doing: what keeps it most comes first.
func setState(s *status.Job, job *config.Job, seen watcher.Snapshot, hold ledger.Hold, total int) {
	var a watcher.Activity
	for _, one := range seen.Jobs {
		if one.Job == job.Name {
			running := a.Running
			a = one
			a.Running += running
		}
	}
	if a.Kept {
		s.Kept = a.Problem
	}
	switch {
	case !job.Enabled:
		s.State = "disabled"
	case hold.Held():
		s.State, s.Reason, s.Since = status.Held, hold.Reason, hold.Since.UTC()
		holdFiles(s, hold)
	case a.Running > 0:
		s.State = "running"
	case a.Problem != "" && a.Until.After(time.Now()):
		s.State, s.Reason, s.Until = "paused", a.Problem, a.Until.UTC()
	case total > 0:
		s.State = "waiting"
		if s.Reason = a.NotReady; s.Reason == "" {
			s.Reason = seen.NotReady
		}
	}
}

// holdFiles says of the files at rest what keeps them.
func holdFiles(s *status.Job, hold ledger.Hold) {
	queued := watcher.Queued.String()
	if n := s.Files[queued]; n > 0 {
		delete(s.Files, queued)
		s.Files[status.Held] = n
	}
	for i := range s.Waiting {
		if f := &s.Waiting[i]; f.State == queued {
			f.State, f.At = status.Held, time.Time{}
			f.Reason, f.Next = heldReason(hold), heldNext(hold)
		}
	}
}

func heldReason(hold ledger.Hold) string { return "the job is held since " + heldText(hold) }

func heldNext(hold ledger.Hold) string { return "nothing until `chute release " + hold.Job + "`" }

// addRuns tells about the runs that wait, and takes those that are tried again for files that wait.
func addRuns(s *status.Job, runs []ledger.Run) {
	for _, run := range runs {
		if (run.Status == ledger.Retrying || run.Status == ledger.Cancelling) && (s.Oldest.IsZero() || run.Started.Before(s.Oldest)) {
			s.Oldest = run.Started.UTC()
		}
		if len(s.Runs) == waitingNamed {
			s.RunsOut++
			continue
		}
		s.Runs = append(s.Runs, status.Run{
			Run: run.ID, File: config.Shown(run.File.Name), Status: string(run.Status), Tries: run.Attempts, Started: run.Started.UTC(), Next: run.NextTry,
		})
	}
}

func countStates(counts watcher.Counts) map[string]int {
	files := map[string]int{}
	for state, n := range counts {
		if n > 0 {
			files[watcher.State(state).String()] = n
		}
	}
	return files
}

// named are the first entries that are wanted, and how many of the total aren't among them.
func named(all []watcher.Waiting, wanted func(watcher.Waiting) bool, total, most int) (files []status.File, out int) {
	files = []status.File{}
	for _, w := range all {
		if wanted(w) && len(files) < most {
			files = append(files, fileStatus(w))
		}
	}
	return files, max(total-len(files), 0)
}

func fileStatus(w watcher.Waiting) status.File {
	f := status.File{File: config.Shown(w.Name), Size: w.Size, State: w.State.String(), Reason: w.Reason, Next: w.Next, Since: w.Since.UTC()}
	if f.File != w.Name {
		f.Exact = base64.StdEncoding.EncodeToString([]byte(w.Name))
	}
	if !w.At.IsZero() {
		f.At = w.At.UTC()
	}
	return f
}
