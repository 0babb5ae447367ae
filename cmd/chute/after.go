package main

import (
	"context"
	"fmt"

	"chute/config"
	"chute/pipeline/ledger"
	"chute/watcher"
)

// othersFirst tells which other job has to be through with its files before one of this job is taken.
func (d *daemon) othersFirst(ctx context.Context, job *config.Job) error {
	w := d.watcher.Load()
	if len(job.After) == 0 || w == nil {
		return nil
	}
	for _, name := range job.After {
		switch files, names, known := w.Pending(name); {
		case !known:
			return watcher.Turn(fmt.Sprintf("whether job %s, which comes first, has files can't be told now", name))
		case files > 0:
			return watcher.Turn(fmt.Sprintf("job %s comes first: %s of it %s%s", name, count(files, "file"),
				map[bool]string{true: "isn't loaded", false: "aren't loaded"}[files == 1], inPart(names, files)))
		}
	}
	unsettled, err := d.ledger.Unsettled(ctx)
	if err != nil {
		return err
	}
	for _, name := range job.After {
		for _, run := range unsettled {
			if run.Job == name && run.Kind == ledger.Import && !byHand(run) {
				return watcher.Turn(fmt.Sprintf("job %s comes first: its run %d is %s", name, run.ID, run.Status))
			}
		}
	}
	return nil
}

// inPart are the names of some of the files.
func inPart(names []string, files int) string {
	switch len(names) {
	case 0:
		return ""
	case files:
		return ": " + quotedNames(names)
	}
	return ", among them " + quotedNames(names)
}
