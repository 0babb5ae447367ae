package main

import (
	"context"
	"sync"
	"time"

	"chute/config"
	"chute/pipeline"
)

// lateClaims are the claims of this ledger that it doesn't know, in a store that nobody waits for.
type lateClaims struct {
	mu      sync.Mutex // held while they are decided about
	through bool
	said    map[pipeline.Fate]bool
	told    bool // whose claims lie there besides
	warned  bool // that the store can't be looked at
}

// decideFar decides about what this ledger doesn't know in stores on servers, as soon as they answer, and returns when all have or ctx has ended. A file may
// never come there that would have a job look.
func (d *daemon) decideFar(ctx context.Context) {
	var looks sync.WaitGroup
	defer looks.Wait()
	for _, s := range d.config.Stores {
		if s.Remote() {
			looks.Go(func() { d.decideWhenThere(ctx, &s) })
		}
	}
}

// decideWhenThere tries again until it is done, or a reload has taken the store away.
func (d *daemon) decideWhenThere(ctx context.Context, s *config.Store) {
	for tries := 1; ctx.Err() == nil && d.now().stores[s.Name] == d.stores[s.Name]; tries++ {
		// No run may get a number any more that one of theirs had.
		if d.assure(ctx) == nil && d.decideLate(ctx, s) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(config.Backoff(time.Second, time.Minute, tries, 0.5)):
		}
	}
}

// decideLate decides once about the claims in a store, and tells whether that is done. What can't be done now is tried again.
func (d *daemon) decideLate(ctx context.Context, s *config.Store) bool {
	known, _ := d.late.LoadOrStore(d.stores[s.Name], &lateClaims{said: map[pipeline.Fate]bool{}})
	c := known.(*lateClaims)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.through {
		return true
	}
	if !c.told {
		c.told = d.sayForsakenIn(ctx, s, false) == nil // what kept it keeps the next look too, and is said by it
	}
	waits, err := d.decideOwnIn(ctx, s, c.said)
	if err != nil && ctx.Err() == nil && !c.warned {
		c.warned = true
		d.log.Warn().Err(err).Str("store", s.Name).Msg("claimed files that the ledger doesn't know can't be looked for now; it is tried again")
	}
	c.through = err == nil && !waits
	return c.through
}
