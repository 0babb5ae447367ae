package main

import (
	"cmp"
	"slices"
	"time"

	"chute/config"
	"chute/pipeline"
	"chute/watcher/status"
)

// progressNamed is how many files that are being loaded have a status file.
const progressNamed = 100

// underway is a run that has a file in hand.
type underway struct {
	job string
	at  *pipeline.Progress
}

// watchProgress lets the status files tell how far the runs of a job have come.
func (d *daemon) watchProgress(job *config.Job) func(*pipeline.Progress) {
	return func(p *pipeline.Progress) { d.underway.Store(p.Run, underway{job.Name, p}) }
}

// progresses are the runs that have come some way and aren't over, the oldest first. Those that are over are forgotten.
func (d *daemon) progresses() []status.Progress {
	all := []status.Progress{}
	d.underway.Range(func(run, value any) bool {
		u := value.(underway)
		if u.at.Step() == "" {
			d.underway.CompareAndDelete(run, value)
			return true
		}
		all = append(all, progressOf(u))
		return true
	})
	slices.SortFunc(all, func(a, b status.Progress) int { return cmp.Compare(a.Run, b.Run) })
	return all[:min(len(all), progressNamed)]
}

func progressOf(u underway) status.Progress {
	r := reachedBy(u.at)
	return status.Progress{
		Schema: status.Schema, Run: u.at.Run, Job: u.job, File: config.Shown(r.file), Step: r.step, Size: r.size, Bytes: r.bytes, Percent: int(100 * r.done()),
		Records: r.records, Rejects: r.rejects, Began: u.at.Began.UTC(), Elapsed: int64(r.elapsed.Seconds()), Left: int64((r.left() + time.Second - 1) / time.Second),
	}
}
