package main

import (
	"context"
	"fmt"
	"slices"

	"chute/config"
	"chute/pipeline/ledger"
)

// renamed finds exports that have delivered nothing yet, and in whose outbox a job that is gone has delivered files of the same names: a job that was given another name begins anew.
func renamed(ctx context.Context, r *ledger.Reader, jobs []*config.Job, exports []*config.Export) (found []succession, err error) {
	delivered, err := r.Delivered(ctx)
	if err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(slices.Clone(exports), func(e *config.Export) bool { return !e.Enabled || !e.Counts() || slices.Contains(delivered, e.Name) })
	for _, gone := range delivered {
		there := jobNamed(jobs, gone) != nil || slices.ContainsFunc(exports, func(e *config.Export) bool { return e.Name == gone })
		if there {
			continue
		}
		for _, e := range fresh {
			last, err := r.Runs(ctx, ledger.Filter{
				Jobs: []string{gone}, Kinds: []string{ledger.Export}, Stores: []string{e.Store}, Statuses: []ledger.Status{ledger.Finished}, Limit: 1,
			})
			if err != nil {
				return nil, err
			}
			if len(last) > 0 && e.Succeeds(gone, last[0].Inbox, last[0].File.Name) {
				found = append(found, succession{e.Name, gone, last[0]})
			}
		}
	}
	return found, nil
}

// succession is a job that does what one that is gone did.
type succession struct {
	job, gone string
	last      ledger.Run // of the one that is gone
}

func (s succession) String() string {
	return fmt.Sprintf("job %s, which is gone, has delivered files of such names to the same outbox, %q last (run %d): the numbers of this job, and what it counts as new, begin from the start",
		s.gone, config.Shown(s.last.File.Name), s.last.ID)
}

// renamedJobs warns of jobs that begin anew what one that is gone did.
func (i *inspection) renamedJobs(ctx context.Context) {
	r, closeReader, err := i.ownReader(ctx)
	if err != nil {
		return // what is the matter with the ledger is said elsewhere; without one nothing was ever delivered
	}
	found, err := renamed(ctx, r, i.jobs, i.config.Exports)
	if closeErr := closeReader(); err != nil || closeErr != nil {
		return
	}
	for _, s := range found {
		i.add(finding{
			Level: levelWarning, Kind: "job", Subject: s.job, Jobs: []string{s.job}, Code: "job_renamed", Text: s.String(),
			Mend: "give the job its old name back, if it is the same one; else choose another name for its files, or another outbox",
		})
	}
}
