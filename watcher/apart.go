package watcher

import (
	"context"
	"sync"
)

// Holders are the jobs that have the slots, while that job waits for one.
func (w *Watcher) Holders(job string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.slots.taken(job)
}

// place is what a call of Handle or Resume has of the slots.
type place struct {
	taker *taker

	mu   sync.Mutex
	held bool // it has one of the Parallel slots
}

type placeKey struct{}

// Apart does something whose speed is a store's affair and not ours, as the copying of files from a server. Meanwhile the caller, whose context is that of Handle
// or Resume, has none of the Parallel slots: others go on with their files, however long it takes. As many calls as there are slots are apart at a time for each
// store; more of them wait. It returns with a slot again, or with an error.
func Apart(ctx context.Context, do func() error) error {
	p, _ := ctx.Value(placeKey{}).(*place)
	if p == nil {
		return do()
	}
	p.leave()
	err := p.taker.apart(ctx, do)
	if back := p.enter(ctx); err == nil {
		err = back
	}
	return err
}

// apart waits for the store's own slots.
func (t *taker) apart(ctx context.Context, do func() error) error {
	if err := t.store.acquire(ctx, t.name, t.job.Config.Priority); err != nil {
		return context.Cause(ctx)
	}
	defer t.store.release(t.name)
	return do()
}

// in is the context of the call.
func (p *place) in(ctx context.Context) context.Context { return context.WithValue(ctx, placeKey{}, p) }

// enter waits for a slot, which leave gives back.
func (p *place) enter(ctx context.Context) error {
	if err := p.taker.slots.acquire(ctx, p.taker.name, p.taker.job.Config.Priority); err != nil {
		return context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
	return nil
}

// leave does nothing without a slot.
func (p *place) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held {
		p.held = false
		p.taker.slots.release(p.taker.name)
	}
}
