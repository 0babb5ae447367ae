package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/report"
	"chute/watcher"
	"chute/watcher/control"
)

// whyJSON is what `chute why --json` prints. The README's table is made of these comments.
type whyJSON struct {
	Schema  int         `json:"schema"`                // 1
	Store   report.Text `json:"store"`                 // the store's name
	Path    report.Text `json:"path"`                  // the file's, in the store
	Exact   string      `json:"path_base64,omitempty"` // the path's bytes, where they aren't UTF-8
	State   string      `json:"state"`                 // of a file in an inbox see above, or "not running", "not seen yet", "gone"; of others the status of their run, or "unknown", also where the store can't be asked
	Reason  report.Text `json:"reason"`                // a sentence
	Next    string      `json:"next"`                  // what is going to happen to it
	At      time.Time   `json:"at,omitzero"`           // when, if nothing changes; missing where that depends on something else
	Since   time.Time   `json:"since,omitzero"`        // of the state; missing where that isn't known
	Job     report.Text `json:"job,omitempty"`         // whose file it is
	Run     uint64      `json:"run,omitempty"`         // the run that has it, or had it last
	Earlier []whyJSON   `json:"earlier,omitempty"`     // the same of earlier runs whose files were there, the newest first, at most nine
}

// question is which file `chute why` was asked about.
type question struct {
	chute *config.Chute
	jobs  []*config.Job
	store *config.Store
	dir   string // in the store
	name  string

	unasked error // why the store can't be asked about the file
	partly  bool  // jobs with mistakes are left out: which are gone isn't known
}

func whyCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "why FILE",
		Short: "tell of a file why it is where it is, and what is going to happen to it",
		Long: "Tells of a file in an inbox why it waits: one state, one reason, what is going to happen and when. Of a file that has left its inbox it tells which run has " +
			"it or had it. FILE is a path, or STORE:PATH within a store. A daemon that runs is asked; without one the inbox is looked at once.",
		Args:        cobra.ExactArgs(1),
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			chute, jobs, mistakes := config.LoadSome(configFile(c))
			if chute == nil {
				return mistakes
			}
			owner := callerOf(c).owner
			if owner != nil && mistakes != nil {
				jobs = owner.jobs // as they are in effect
			}
			q, err := newQuestion(c, chute, jobs, args[0])
			if err != nil {
				return err
			}
			q.partly = owner == nil && mistakes != nil
			owned, err := control.Owned(chute.State.Dir)
			if err != nil {
				return err
			}
			ask := owned && owner == nil && mistakes != nil // the owner knows all jobs
			if !q.inInbox() && !ask {
				sayMistakes(c, mistakes)
				return q.answerByRun(c, asJSON)
			}
			if owned || owner != nil {
				return withState(c, chute, jobs, func(d *daemon) error {
					sayMistakes(c, mistakes)
					return q.answer(c, d, asJSON)
				})
			}
			sayMistakes(c, mistakes)
			// Nobody has the state, and nothing is changed there to find out.
			d := newDaemon(chute, jobs, newLog(c.ErrOrStderr()))
			return errors.Join(d.openStores(), q.answer(c, d, asJSON))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}

// sayMistakes tells what is wrong with jobs that a command does without.
func sayMistakes(c *cobra.Command, mistakes error) {
	if mistakes != nil {
		fmt.Fprintf(c.ErrOrStderr(), "chute: job files with mistakes are left out, and a daemon that runs goes on with the jobs as they were:\n%s\n", mistakes)
	}
}

// newQuestion finds the file's store.
func newQuestion(c *cobra.Command, chute *config.Chute, jobs []*config.Job, file string) (question, error) {
	q := question{chute: chute, jobs: jobs}
	within := ""
	if name, rest, ok := strings.Cut(file, ":"); ok && chute.Store(name) != nil {
		q.store, within = chute.Store(name), rest
	} else {
		absolute, err := filepath.Abs(callerOf(c).path(file))
		if err != nil {
			return q, err
		}
		q.store, within = storeOf(chute, absolute)
	}
	if q.store == nil {
		return q, &exit{exitUsage, fmt.Sprintf("%s is in no store of %s", config.Shown(file), configFile(c))}
	}
	q.dir, q.name = path.Split(path.Clean(within))
	q.dir = path.Clean(q.dir)
	return q, nil
}

// storeOf is the store that a file is in, the deepest, and the file's path in it. Links on the way to either are followed, a link that is the file isn't.
func storeOf(chute *config.Chute, file string) (store *config.Store, within string) {
	dir, name := filepath.Split(file)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	longest := -1
	for i := range chute.Stores {
		s := &chute.Stores[i]
		if s.Path == "" {
			continue
		}
		root := s.Path
		if real, err := filepath.EvalSymlinks(root); err == nil {
			root = real
		}
		rel, err := filepath.Rel(root, filepath.Join(dir, name))
		if err == nil && filepath.IsLocal(rel) && len(root) > longest {
			store, within, longest = s, filepath.ToSlash(rel), len(root)
		}
	}
	return store, within
}

func (q *question) inInbox() bool {
	return slices.ContainsFunc(q.jobs, func(j *config.Job) bool { return j.Store == q.store.Name && path.Clean(j.Inbox) == q.dir })
}

// path is the file's in its store.
func (q *question) path() string { return path.Join(q.dir, q.name) }

func (q *question) newAnswer() whyJSON {
	a := whyJSON{Schema: 1, Store: report.Text(q.store.Name), Path: report.Text(q.path()), Exact: exactly(q.path())}
	return a
}

// answer asks the watcher about a file in an inbox.
func (q *question) answer(c *cobra.Command, d *daemon, asJSON bool) error {
	w := d.watcher.Load()
	running := w != nil
	if !running {
		w = d.onlooker()
		if err := w.LookOnce(c.Context(), q.store.Name, q.dir); err != nil {
			return err
		}
	}
	e, found := w.Explain(q.store.Name, q.dir, q.name)
	if !found {
		return q.answerUnseen(c, d, asJSON)
	}
	a := q.newAnswer()
	a.State, a.Reason, a.Next, a.At, a.Since, a.Job = e.State.String(), report.Text(e.Reason), e.Next, utcOf(e.At), utcOf(e.Since), report.Text(e.Job)
	if !running {
		a.Since, a.At = time.Time{}, time.Time{}
		if e.State == watcher.Settling || e.State == watcher.Queued {
			a.State, a.Reason, a.Next = "not running", "no chute has the state: nothing is taken", "nothing until `chute run` is started; it is taken then when it has rested"
		}
		return a.print(c, asJSON)
	}
	if err := q.addLedger(c, d, e, &a); err != nil {
		return err
	}
	return a.print(c, asJSON)
}

// onlooker is a watcher that takes nothing.
func (d *daemon) onlooker() *watcher.Watcher {
	w := &watcher.Watcher{Log: d.log}
	for _, job := range d.jobs {
		w.Jobs = append(w.Jobs, watcher.Job{Config: job, Folder: d.stores[job.Store], Handle: takeNothing, Resume: resumeNothing})
	}
	return w
}

// answerUnseen tells about a name that no look has shown: the file is new, or it has gone.
func (q *question) answerUnseen(c *cobra.Command, d *daemon, asJSON bool) error {
	there, err := q.there(c.Context(), d)
	if there {
		a := q.newAnswer()
		a.State, a.Reason, a.Next = "not seen yet", "the daemon hasn't looked since it came", "the next look finds it"
		return a.print(c, asJSON)
	}
	if err != nil && !q.store.Remote() {
		return err
	}
	if err != nil {
		q.unasked = fmt.Errorf("the store can't be asked now: %w", err)
	} else if problem := d.inboxProblem(q.store.Name, q.dir); problem != "" {
		q.unasked = errors.New("the inbox can't be looked at now: " + problem)
	}
	return q.answerByRun(c, asJSON)
}

// there tells whether something has the name now. A server is asked, for no longer than anybody wants to wait for an answer.
func (q *question) there(ctx context.Context, d *daemon) (bool, error) {
	if !q.store.Remote() {
		_, err := os.Lstat(filepath.Join(q.store.Path, q.path()))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	store := d.stores[q.store.Name]
	if store == nil {
		return false, errors.New("the process that owns the state doesn't know it: chute reload")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, fmt.Errorf("it didn't answer for %v", askTime))
	defer cancel()
	f, err := store.Open(ctx, q.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, connectors.ErrIrregular), errors.Is(err, fs.ErrPermission):
		return true, nil
	case err != nil:
		return false, err
	}
	return true, f.Close()
}

func utcOf(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

func (a *whyJSON) print(c *cobra.Command, asJSON bool) error {
	if asJSON {
		line, err := report.Encode(a, "")
		if err != nil {
			return err
		}
		_, err = c.OutOrStdout().Write(line)
		return err
	}
	lines := [][2]string{{"file", string(a.Store) + ":" + config.Shown(string(a.Path))}, {"state", a.State}, {"since", utcText(a.Since)},
		{"reason", report.Visible(a.Reason)}, {"next", a.Next}, {"at", utcText(a.At)}, {"job", string(a.Job)}}
	if a.Run != 0 {
		lines = append(lines, [2]string{"run", fmt.Sprintf("%d (chute show %d tells more)", a.Run, a.Run)})
	}
	for _, l := range lines {
		if l[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(c.OutOrStdout(), "%-8s%s\n", l[0], l[1]); err != nil {
			return err
		}
	}
	for i := range a.Earlier {
		fmt.Fprintln(c.OutOrStdout())
		if err := a.Earlier[i].print(c, false); err != nil {
			return err
		}
	}
	return nil
}

func utcText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return utc(t)
}
