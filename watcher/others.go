package watcher

import (
	"context"
	"io/fs"
	"slices"

	"chute/config"
	"chute/connectors"
)

// other is what is remembered of an entry that nobody takes, as its name and type tell. There may be a hundred thousand of them, so it is
// small, and nobody looks at the file.
type other struct {
	since moment // of its state
	count uint32 // the last listing that showed it
	kind  fs.FileMode
	named State // what the name tells
	state State // what the name and the type tell

	collected bool // a plain file of this name is put away in time
}

// list lists what may be taken, and takes down the others.
func (in *inbox) list(ctx context.Context) ([]connectors.File, error) {
	in.mu.Lock()
	in.listing++
	in.mu.Unlock()
	if sifter, ok := in.folder.(connectors.Sifter); ok {
		return sifter.Sift(ctx, in.dir, in.wanted)
	}
	files, err := in.folder.List(ctx, in.dir)
	return slices.DeleteFunc(files, func(f connectors.File) bool { return !in.wanted(f.Name, f.Mode.Type()) }), err
}

// wanted tells whether an entry may be taken, and takes it down if not.
func (in *inbox) wanted(name string, kind fs.FileMode) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.entries[name] != nil || in.running[name] != nil {
		return true
	}
	o := in.others[name]
	if o == nil {
		_, named := in.byName(name)
		if named == 0 {
			return true
		}
		o = &other{named: named, collected: in.collects(name, named)}
		in.others[name] = o
	}
	if o.collected && kind == 0 {
		delete(in.others, name)
		return true
	}
	o.count, o.kind = in.listing, kind
	if state := o.judge(); state != o.state {
		o.state, o.since = state, in.clock.now()
		in.changes.add(state, name, nil, o.reason(name))
	}
	return false
}

// byName finds out what the name alone tells: who takes the file, or in which state it stays.
func (in *inbox) byName(name string) (*taker, State) {
	if config.SaneName(name) != nil {
		return nil, OddName
	}
	if config.TemporaryName(name) {
		return nil, TemporaryName
	}
	named := Unmatched
	for _, t := range in.takers {
		if _, ok := t.job.Config.Matches(name); !ok {
			continue
		}
		if t.job.Config.Enabled {
			return t, 0
		}
		named = Disabled
	}
	return nil, named
}

// collector is who puts away files of a name that no job matches: the job that wants it soonest. nil: they stay. What a job ignores isn't meant for anybody yet.
// in.mu is held.
func (in *inbox) collector(name string) (first *taker) {
	for _, t := range in.takers {
		job := t.job.Config
		if job.Ignores(name) {
			return nil
		}
		if job.Enabled && job.UnmatchedAfter > 0 && (first == nil || job.UnmatchedAfter < first.job.Config.UnmatchedAfter) {
			first = t
		}
	}
	return first
}

// collects tells whether plain files of a name, with what that alone tells, are put away in time. in.mu is held.
func (in *inbox) collects(name string, named State) bool {
	return named == Unmatched && in.collector(name) != nil
}

func (o *other) judge() State {
	if o.kind != 0 && (o.named == Unmatched || o.named == Disabled) {
		return Irregular
	}
	return o.named
}

func (o *other) reason(name string) string {
	switch o.state {
	case OddName:
		return config.SaneName(name).Error()
	case Irregular:
		return irregularReason(o.kind)
	}
	return o.state.reason()
}

// forget removes those that the last listing didn't show. in.mu is held.
func (in *inbox) forget() {
	for name, o := range in.others {
		if o.count != in.listing {
			delete(in.others, name)
		}
	}
}
