package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// literally is a pattern that fits one name alone; a byte that isn't UTF-8 is any character. The zero Glob, where there is no such pattern, restricts nothing.
func literally(name string) (g config.Glob) {
	pattern := ""
	for _, r := range name {
		switch r {
		case '*', '?', '[', ']', '{', '}', '\\', '!', ',', '-', '^':
			pattern += `\` + string(r)
		case '\uFFFD':
			pattern += "?"
		default:
			pattern += string(r)
		}
	}
	if g.UnmarshalText([]byte(pattern)) != nil {
		return config.Glob{}
	}
	return g
}

// answerByRun tells about a file that isn't in an inbox by the run that has it or had it last.
func (q *question) answerByRun(c *cobra.Command, asJSON bool) error {
	a := q.newAnswer()
	a.State, a.Reason, a.Next = "unknown", "no run of this ledger has brought a file there", "nothing: chute looks only at inboxes"
	if q.inInbox() {
		a.State, a.Reason, a.Next = "gone", "there is no such file, and no run of this ledger had one of the name", "nothing"
	}
	if q.unasked != nil {
		a.State, a.Reason, a.Next = "unknown", report.Text(q.unasked.Error()), "the next look that succeeds finds it, if it is there"
	}
	r, err := ledger.OpenReader(c.Context(), filepath.Join(q.chute.State.Dir, ledgerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return a.print(c, asJSON)
	}
	if err != nil {
		return err
	}
	runs, err := q.findRuns(c, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	for i, run := range runs {
		one := &a
		if i > 0 {
			a.Earlier = append(a.Earlier, q.newAnswer())
			one = &a.Earlier[i-1]
		}
		if err := q.tellOf(one, run); err != nil {
			return err
		}
	}
	return a.print(c, asJSON)
}

func (q *question) tellOf(a *whyJSON, run ledger.Run) error {
	q.tellRun(a, run)
	left, err := leftBehind(q.chute, run)
	if left {
		a.State, a.Reason, a.Next = "not running", "chute ended while it was "+report.Text(run.Status), "it goes on when chute is started"
	}
	if q.forsakes(run, left) {
		a.Next, a.At = "nothing: "+forsakenImport(run, true).Error(), time.Time{}
	} else if run.Status == ledger.Interrupted && q.alone(run) {
		a.Next += fmt.Sprintf(", and until its job %q is back, which is gone or has another store", run.Job)
	}
	return err
}

// forsakes tells whether a file waits for its job, which is gone: neither a command nor a start goes on with it.
func (q *question) forsakes(run ledger.Run, left bool) bool {
	waits := left || run.Status == ledger.Retrying || run.Status == ledger.Stuck || run.Status == ledger.Paused
	return waits && q.alone(run)
}

// alone tells whether a file's job is gone.
func (q *question) alone(run ledger.Run) bool {
	return !q.partly && run.Kind == ledger.Import && importOf(q.jobs, run) == nil
}

// mostRuns are how many runs of a name are told of.
const mostRuns = 10

// findRuns finds the last runs whose files are, or were, at the place that was asked for, the newest first.
func (q *question) findRuns(c *cobra.Command, r *ledger.Reader) (runs []ledger.Run, err error) {
	for found, err := range r.Each(c.Context(), ledger.Filter{Stores: []string{q.store.Name}, File: literally(q.name)}) {
		if err != nil {
			return nil, err
		}
		run := found
		if found.Inbox != q.dir || found.Kind != ledger.Import { // it may also have come from what is no inbox any more
			if run, err = q.brought(c, r, found.ID); err != nil {
				return nil, err
			}
		}
		if run.ID != 0 {
			runs = append(runs, run)
		}
		if len(runs) == mostRuns {
			break
		}
	}
	if len(runs) > 0 {
		return runs, nil
	}
	run, err := q.numbered(c, r)
	if err == nil && run.ID == 0 {
		run, err = q.carried(c, r)
	}
	if err == nil && run.ID != 0 {
		runs = append(runs, run)
	}
	return runs, err
}

// lookedThrough are how many deliveries are looked through for a file that has another name than they have: a checksum, or one of several.
const lookedThrough = 1000

// carried finds the last delivery that a file went out with.
func (q *question) carried(c *cobra.Command, r *ledger.Reader) (ledger.Run, error) {
	for found, err := range r.Each(c.Context(), ledger.Filter{Stores: []string{q.store.Name}, Kinds: []string{ledger.Export}, Limit: lookedThrough}) {
		if err != nil {
			return ledger.Run{}, err
		}
		if run, err := q.brought(c, r, found.ID); err != nil || run.ID != 0 {
			return run, err
		}
	}
	return ledger.Run{}, nil
}

// numbered finds the run of a file whose name was taken: it has its run's number in it.
func (q *question) numbered(c *cobra.Command, r *ledger.Reader) (ledger.Run, error) {
	for _, number := range anyNumber.FindAllString(q.name, -1) {
		id, err := strconv.ParseUint(number, 10, 63)
		if err != nil {
			continue // too long for one
		}
		run, err := q.brought(c, r, id)
		if errors.Is(err, ledger.ErrNoRun) {
			continue
		}
		if err != nil || run.ID != 0 {
			return run, err
		}
	}
	return ledger.Run{}, nil
}

var anyNumber = regexp.MustCompile(`\d+`)

// brought returns the run if it has brought its file to the place that was asked for; else the zero Run.
func (q *question) brought(c *cobra.Command, r *ledger.Reader, id uint64) (ledger.Run, error) {
	run, err := r.Run(c.Context(), id)
	if err != nil || q.inInbox() || run.Store != q.store.Name {
		return ledger.Run{}, err
	}
	if run.Kind == ledger.Export {
		if !slices.ContainsFunc(run.Moves, func(m ledger.Move) bool { return m.To == q.path() }) {
			return ledger.Run{}, nil
		}
		return run, nil
	}
	shown := shownRun{Run: run}
	if shown.delivered(q.store.Work, r.ID()) != q.path() {
		return ledger.Run{}, nil
	}
	return run, nil
}

// tellRun says what the run's status means for its file.
func (q *question) tellRun(a *whyJSON, run ledger.Run) {
	a.Run, a.Job, a.State, a.Since, a.Next = run.ID, report.Text(run.Job), string(run.Status), utcOf(run.Finished), "nothing: it is through"
	if run.Finished.IsZero() {
		a.Since = utcOf(run.Started)
	}
	if run.Kind == ledger.Export {
		tellDelivery(a, run)
		return
	}
	switch run.Status {
	case ledger.Running:
		a.Reason, a.Next = "it is being loaded", "it goes to done or rejected, with its log beside it"
	case ledger.Retrying:
		a.Reason, a.Next, a.At = report.Text("after the error: "+run.Error), "it is tried again", utcOf(run.NextTry)
	case ledger.Stuck:
		a.Reason, a.Next = report.Text(fmt.Sprintf("after %d errors, the last: %s", run.Attempts, run.Error)), fmt.Sprintf("nothing until `chute retry %d`, or the next start; `chute reject %[1]d` gives it up", run.ID)
	case ledger.Interrupted:
		a.Reason, a.Next = report.Text(run.Error), fmt.Sprintf("nothing until `chute retry %d --loaded`, if its records are in the table, or `--not-loaded`", run.ID)
	case ledger.Pausing:
		a.Reason, a.Next = "somebody wants that", "it stops as soon as what is under way can be left"
	case ledger.Cancelling:
		a.Reason, a.Next, a.At = "somebody wants that", "nothing of it is loaded; it goes where rejected files go, with its log beside it", utcOf(run.NextTry)
		if run.Error != "" {
			a.Reason, a.Next = report.Text("somebody wants that, but after the error: "+run.Error), "it is tried again, until the file lies where rejected ones go; nothing of it is loaded"
		}
	case ledger.Paused:
		a.Reason, a.Next = "somebody wants that", fmt.Sprintf("nothing until `chute resume %d`: then it is loaded from its beginning", run.ID)
	case ledger.Cancelled:
		a.Reason = "it was cancelled, and nothing of it is loaded: its log lies beside it"
	case ledger.Finished, ledger.FinishedWithRejects:
		a.Reason = report.Text(fmt.Sprintf("%d of %d records are loaded, %d were refused", run.Accepted, run.Records, run.Rejects))
	case ledger.Rejected:
		a.Reason = "it was refused as a whole: its log lies beside it"
	case ledger.Skipped:
		a.Reason = report.Text(fmt.Sprintf("it wasn't loaded: run %d had loaded it before", run.SameAs))
	case ledger.Failed:
		a.Reason, a.Next = report.Text("it was taken back: "+run.Error), "nothing of the run is left"
	}
}

func takeNothing(context.Context, []connectors.File) []connectors.Verdict { return nil }

func resumeNothing(context.Context, []uint64) []connectors.Verdict { return nil }
