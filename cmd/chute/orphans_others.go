package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"chute/config"
	"chute/pipeline"
)

// sayForsaken says whose claims lie in the stores besides this ledger's: of a daemon that shares them, or of one that is gone. It is louder when the claims are old, or
// this ledger is new and the earlier one's files may be among them.
func (d *daemon) sayForsaken(ctx context.Context) {
	last, err := d.ledger.Last(ctx)
	if err != nil {
		d.log.Warn().Err(err).Msg("whose files lie in the work folders can't be told now")
		return
	}
	for _, s := range d.config.Stores {
		if !s.Remote() { // nobody waits for a server: see decideFar
			if err := d.sayForsakenIn(ctx, &s, last == 0); err != nil {
				d.log.Warn().Err(err).Str("store", s.Name).Msg("whose files lie in the work folder can't be told now")
			}
		}
	}
}

func (d *daemon) sayForsakenIn(ctx context.Context, s *config.Store, loud bool) error {
	all, err := pipeline.Forsaken(ctx, d.stores[s.Name], s.Work, d.ledger.ID())
	if err != nil {
		return err
	}
	for _, of := range slices.Sorted(maps.Keys(all)) {
		line := d.log.Info()
		if loud || time.Since(all[of].Newest) > fresh {
			line = d.log.Warn()
		}
		line.Str("store", s.Name).Str("ledger", of).Int("files", all[of].Files).Time("newest", all[of].Newest).
			Msg("another chute has claimed files here; if its machine or its state is gone, `chute adopt` takes them over")
	}
	return nil
}
