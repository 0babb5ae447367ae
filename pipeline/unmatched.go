package pipeline

import (
	"context"

	"chute/connectors"
)

// sift tells the files that the job matches from those that nobody does. What is given by hand needn't match.
func (im *Importer) sift(files []connectors.File) (wanted, unmatched []connectors.File) {
	if im.InPlace && !im.remembers {
		return files, nil
	}
	for _, f := range files {
		if _, ok := im.Job.Matches(f.Name); ok {
			wanted = append(wanted, f)
		} else {
			unmatched = append(unmatched, f)
		}
	}
	return wanted, unmatched
}

// turnAway rejects files that no job matches. Their runs begin with that written down, and what is written down is done, now or after a crash.
func (im *Importer) turnAway(ctx context.Context, b *batch, tell func(*item, connectors.Verdict)) {
	b.unmatched = true
	err := b.through(ctx, []step{{"claim", im.claim}, {"locate", im.locate}})
	if err == nil {
		err = im.grant(ctx, b, tell)
	}
	im.conclude(ctx, b, err, tell)
}
