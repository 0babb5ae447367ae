package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"chute/config"
)

// forsakenFiles warns of files that no job goes on with.
func (i *inspection) forsakenFiles(ctx context.Context) {
	r, closeReader, err := i.ownReader(ctx)
	if err != nil {
		return // what is the matter with the ledger is said elsewhere; without one nothing was ever claimed
	}
	files, err := forsakenFiles(ctx, r, i.jobs)
	if err = errors.Join(err, closeReader()); err != nil || len(files) == 0 {
		return
	}
	i.add(finding{
		Level: levelWarning, Kind: "job", Subject: i.config.Jobs.Dir, Code: "job_gone",
		Text: "nobody goes on with what isn't through of " + sayStranded(files) + ": the job is gone or has another store",
		Mend: "bring the job back as it was, or give up with chute cancel those of its runs that aren't being published",
	})
}

// goneHolds warns of holds whose job isn't configured: it has another name now and isn't held, or a later one of the name would be.
func (i *inspection) goneHolds(ctx context.Context) {
	r, closeReader, err := i.ownReader(ctx)
	if err != nil {
		return // as above
	}
	held, err := r.Held(ctx)
	if err = errors.Join(err, closeReader()); err != nil {
		return
	}
	for _, name := range goneHolds(held, i.config, i.jobs) {
		i.add(finding{
			Level: levelWarning, Kind: "job", Subject: name, Code: "held_job_gone",
			Text: "it is held since " + heldText(held[name]) + "; no job has the name any more, and one that has another name now isn't held",
			Mend: "hold the job under its new name, if it has one; then chute release " + name,
		})
	}
}

// overlaps tells which jobs want the same files, and which can have none.
func (i *inspection) overlaps() {
	if len(i.jobs)+len(i.config.Exports) == 0 {
		i.add(finding{
			Level: levelWarning, Kind: "job", Subject: i.config.Jobs.Dir, Code: "no_jobs",
			Text: "there is no job: nothing is watched", Mend: "make one, for example with chute templates copy",
		})
	}
	for _, j := range config.Unmatched(i.jobs) {
		i.add(finding{
			Level: levelWarning, Kind: "job", Subject: j.Name, Jobs: []string{j.Name}, Code: "job_matches_nothing",
			Text: "it never gets a file: all names that it wants are names of files that are still being written, or ignored", Mend: "correct match, match_regexp or ignore",
		})
	}
	for _, o := range config.Overlaps(i.jobs) {
		f := finding{
			Level: levelWarning, Kind: "job", Subject: o.Second.Name, Jobs: []string{o.First.Name, o.Second.Name},
		}
		switch {
		case o.Hidden:
			f.Code, f.Text = "job_hidden", fmt.Sprintf("it never gets a file: all of its names fit job %s as well, which comes first (%s)", o.First.Name, why(o))
			f.Mend = "give it a higher priority, or narrow the other's match or ignore"
		case o.Tie:
			f.Code, f.Text = "job_ambiguous", fmt.Sprintf("a file called %q fits job %s as well, which takes it only because its name comes first", o.Example, o.First.Name)
			f.Mend = "say with priority which of them is meant, or narrow their match or ignore"
		default:
			f.Level, f.Code, f.Text = levelOK, "ok", fmt.Sprintf("a file called %q fits job %s as well, which takes it (%s)", o.Example, o.First.Name, why(o))
		}
		i.add(f)
	}
}

// deliveries tells what becomes of delivered files that other jobs of this installation have to do with.
func (i *inspection) deliveries() {
	for _, a := range config.Arrivals(i.jobs, i.config.Exports) {
		f := finding{Level: levelOK, Kind: "job", Subject: a.Export.Name, Jobs: []string{a.Export.Name, a.Import.Name}, Code: "ok"}
		f.Text = fmt.Sprintf("its outbox is or may be the inbox of job %s, which takes what is delivered, such as %q", a.Import.Name, a.Example)
		if len(a.Circle) > 0 {
			f.Level, f.Code = levelWarning, "export_returns"
			f.Text += ", and loads it where it is or may be asked for again: " + strings.Join(a.Circle, " -> ")
			f.Mend = "choose another outbox or another name, unless the question leaves such rows out"
		}
		i.add(f)
	}
	for _, e := range i.config.Exports {
		if named, other := e.NamedLike(); other {
			i.add(finding{
				Level: levelWarning, Kind: "job", Subject: e.Name, Jobs: []string{e.Name}, Code: "file_misnamed",
				Text: fmt.Sprintf("its files have compression %s, and their names, %s, tell of %s: a program that goes by names can't read them", e.Format.Packing(), e.File, named),
				Mend: "let file end in .gz for gzip, in .zst for zstd, in neither for none; or change format.compression",
			})
		}
	}
	for _, t := range config.FindTwins(i.config.Exports) {
		i.add(finding{
			Level: levelWarning, Kind: "job", Subject: t.Second.Name, Jobs: []string{t.First.Name, t.Second.Name}, Code: "file_ambiguous",
			Text: fmt.Sprintf("job %s can deliver a file of the same name to the same outbox, such as %q: whichever comes second would get its run's number besides", t.First.Name, t.Example),
			Mend: "write {job} into one of their names, or choose another outbox",
		})
	}
}

func why(o config.Overlap) string {
	if o.Tie {
		return "by its name; both have priority " + fmt.Sprint(o.First.Priority)
	}
	return fmt.Sprintf("priority %d, against %d", o.First.Priority, o.Second.Priority)
}
