package watcher

import (
	"context"
	"time"

	"chute/connectors"
)

// picked is a file chosen from the queue, as it was when it was chosen.
type picked struct {
	*entry
	file       connectors.File
	unfinished bool
}

// choose takes the next batch out of the queue and tries each file; those that can't be taken stay, with a reason.
func (t *taker) choose(ctx context.Context) []picked {
	in := t.inbox
	in.mu.Lock()
	var batch []picked
	for _, e := range t.queue.batch(t.job.Config.Batch, t.job.Config.Strict) {
		batch = append(batch, picked{e, e.file, e.unfinished})
	}
	in.mu.Unlock()

	kept := batch[:0]
	for _, p := range t.unseen(ctx, batch) {
		if ctx.Err() != nil {
			return nil
		}
		wantEnd := !p.unfinished && !p.unmatched && wantsLineEnd(t.job.Config.Format)
		found := probe(ctx, in.folder, in.path(p.file.Name), p.file, wantEnd)
		if found == (finding{}) {
			kept = append(kept, p)
		} else if ctx.Err() == nil {
			in.refuse(p, found)
		}
	}
	return kept
}

// unseen leaves those out that the job has taken before.
func (t *taker) unseen(ctx context.Context, batch []picked) []picked {
	if t.job.Seen == nil || len(batch) == 0 {
		return batch
	}
	files := make([]connectors.File, len(batch))
	for i, p := range batch {
		files[i] = p.file
	}
	seen, err := t.job.Seen(ctx, files)
	var fresh []picked
	for i, p := range batch {
		switch {
		case err != nil:
			t.inbox.refuse(p, finding{hold: Unreadable, detail: "it can't be told whether it was taken before: " + err.Error()})
		case seen[i]:
			t.inbox.refuse(p, finding{hold: Remembered})
		default:
			fresh = append(fresh, p)
		}
	}
	return fresh
}

// knows tells whether the entry is still the one of its name. in.mu is held.
func (in *inbox) knows(e *entry) bool { return in.entries[e.file.Name] == e }

// refuse takes down why a file that is at rest can't be taken now.
func (in *inbox) refuse(p picked, found finding) {
	in.mu.Lock()
	now := in.clock.now()
	e := p.entry
	if in.knows(e) && e.file.Same(p.file) {
		e.hold, e.detail = found.hold, found.detail
		state := found.hold
		switch {
		case found.changed: // rest begins anew; the next look sees what it is now
			state = Settling
			fallthrough
		case found.hold == BeingWritten: // rest begins when nobody has it open, so not before now
			e.since, e.notBefore = now, now+time.Second
		case found.hold == Unfinished:
			e.unfinished = true
		case found.hold == Unreadable:
			e.notBefore = now + in.rescan
		}
		in.enter(e, state, now)
		in.wantLook(max(e.takeableAt(), now))
		if found.changed {
			in.wantLook(now)
		}
	}
	changes := in.changes.take()
	in.mu.Unlock()
	changes.log(in.log)
}

// putBack has a look refill the queue with what was chosen and not handed over.
func (t *taker) putBack() {
	t.inbox.mu.Lock()
	defer t.inbox.mu.Unlock()
	t.inbox.wantLook(t.inbox.clock.now())
}

// handOver marks those files as running that are still what they were when they were chosen.
func (t *taker) handOver(batch []picked) (files []connectors.File, handed []*entry) {
	in := t.inbox
	in.mu.Lock()
	now := in.clock.now()
	if t.dismissed() { // its files are another's
		batch = nil
	}
	for _, p := range batch {
		// Of what is different now, the look that saw it has taken care.
		if !in.knows(p.entry) || !p.entry.file.Same(p.file) || p.entry.file.Links > 1 {
			continue
		}
		p.entry.hold = 0
		in.enter(p.entry, Running, now)
		delete(in.entries, p.file.Name)
		in.running[p.file.Name] = &handing{p.entry, now}
		files = append(files, p.file)
		handed = append(handed, p.entry)
	}
	changes := in.changes.take()
	in.mu.Unlock()
	changes.log(in.log)
	return files, handed
}
