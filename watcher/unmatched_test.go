package watcher

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"chute/config"
	"chute/connectors"
)

// collecting gives a job an unmatched_after.
func collecting(after time.Duration) func(*Job) {
	return func(j *Job) { j.Config.UnmatchedAfter = config.Duration(after) }
}

// TestUnmatchedAfter: a file that no job wants is handed over when it has stayed unchanged for so long, to the job that wants it gone soonest; until then it is nobody's.
func TestUnmatchedAfter(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("drafts", "*.txt", func(j *Job) { j.Config.Enabled, j.Config.UnmatchedAfter = false, config.Duration(time.Second) })
		x.job("orders", "*.csv", collecting(2*time.Hour))
		x.job("stock", "stock*", collecting(time.Hour))
		x.run()
		x.store.Put("in/a.csv", text(5))
		x.store.Put("in/readme", text(5))
		x.store.Put("in/empty", nil)
		x.store.Put("in/b.txt", text(5))
		x.store.Put("in/late.part", text(5))
		x.store.Special("in/folder", fs.ModeDir)
		x.pass(30 * time.Minute)
		x.expectHanded("orders a.csv")
		x.expectStates(map[string]string{
			"readme": "no job matches", "empty": "no job matches", "b.txt": "job disabled", "late.part": "temporary name", "folder": "not a regular file",
		})
		e := x.waiting("readme")
		if want := "it is rejected when it has stayed unchanged for 1h, unless a job matches it by then"; e.Job != "" || e.Next != want || e.At.Sub(x.start).Round(time.Second) != time.Hour {
			t.Errorf("waiting is %+v, want %q", e, want)
		}
		if files, _, _ := x.w.Pending("stock"); files != 0 {
			t.Errorf("%d files of the job are said to be waiting", files)
		}
		x.store.Put("in/readme", text(6)) // it isn't at rest
		x.pass(31 * time.Minute)
		x.expectHanded("stock empty")
		x.pass(30 * time.Minute)
		x.expectHanded("stock readme")
		x.pass(3 * time.Hour)
		x.expectHanded()
		x.expectStates(map[string]string{"b.txt": "job disabled", "late.part": "temporary name", "folder": "not a regular file"})
	})
}

// TestUnmatchedStays: what a job ignores stays, and so does everything where no job says otherwise.
func TestUnmatchedStays(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) {
			var ignored config.Glob
			must(t, ignored.UnmarshalText([]byte("*.bak")))
			j.Config.IgnoreNames = []config.Glob{ignored}
		})
		x.job("stock", "stock*", collecting(time.Minute))
		x.run()
		x.store.Put("in/a.bak", text(5))
		x.store.Put("in/b.doc", text(5))
		x.pass(3 * time.Minute)
		x.expectHanded("stock b.doc")
		x.change([]string{"stock"}) // with it goes who wanted them gone
		x.store.Put("in/c.doc", text(5))
		x.pass(3 * time.Hour)
		x.expectHanded()
		x.change(nil, x.made("stock", "stock*", collecting(time.Minute)))
		x.pass(59 * time.Second)
		x.expectHanded()
		x.pass(2 * time.Minute)
		x.expectHanded("stock c.doc")
		x.expectStates(map[string]string{"a.bak": "no job matches"})
	})
}

// TestUnmatchedComesToMatch: a job that comes takes what it matches, and a folder that becomes a file is one.
func TestUnmatchedComesToMatch(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", collecting(time.Hour))
		x.run()
		x.store.Put("in/a.txt", text(5))
		x.store.Special("in/b.doc", fs.ModeDir)
		x.pass(time.Minute)
		x.change(nil, x.made("texts", "*.txt", nil))
		x.pass(6 * time.Second)
		x.expectHanded("texts a.txt")
		x.store.Take("in/b.doc")
		x.store.Put("in/b.doc", text(5))
		x.pass(59 * time.Minute)
		x.expectHanded()
		x.pass(2 * time.Minute)
		x.expectHanded("orders b.doc")
	})
}

// TestUnmatchedIsInNobodysWay: a strict job's own files come first, and don't wait for one that can't be put away.
func TestUnmatchedIsInNobodysWay(t *testing.T) {
	simulate(t, func(x *world) {
		x.job("orders", "*.csv", func(j *Job) {
			j.Config.Strict, j.Config.UnmatchedAfter = true, config.Duration(5*time.Second)
			j.Config.Retry.First, j.Config.Retry.Longest = config.Duration(time.Hour), config.Duration(time.Hour)
			handle := j.Handle
			j.Handle = func(ctx context.Context, files []connectors.File) []connectors.Verdict {
				if files[0].Name == "a" {
					x.note(call{job: "orders", names: namesOf(files)})
					return []connectors.Verdict{{File: files[0], Outcome: connectors.Later, Err: fs.ErrPermission}}
				}
				return handle(ctx, files)
			}
		})
		x.store.Put("in/a", text(5))
		x.store.Put("in/z.csv", text(5))
		x.run()
		x.pass(10 * time.Second)
		x.expectHanded("orders z.csv", "orders a")
		x.store.Put("in/y.csv", text(5))
		x.pass(90 * time.Minute) // the job pauses once, as after every error
		x.expectHanded("orders y.csv", "orders a")
	})
}
