package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"chute/config"
	"chute/pipeline/ledger"
	"chute/pipeline/reconcile"
	"chute/pipeline/report"
)

// printGeneral prints what a run is and how it went. Sentences in it were made safe where they were written; names are escaped here.
func (s *shownRun) printGeneral(w io.Writer) error {
	t := textTable(w, column{}, column{sentence: true})
	t.bare = true
	for _, l := range append(s.about(), s.inTable()...) {
		if l[1] == "" {
			continue
		}
		if err := t.add(l[0], l[1]); err != nil {
			return err
		}
	}
	s.begun = true
	return errors.Join(t.flush(), s.printWarnings(w), s.printSteps(w), s.printFiles(w))
}

// about are the lines on the file and on what became of it.
func (s *shownRun) about() [][2]string {
	run := s.Run
	status := string(run.Status)
	if run.State != ledger.Settled {
		status += ", at " + string(run.State)
	}
	if s.behind {
		status += "; nobody is at it: it goes on when chute is started"
	}
	if s.out != nil {
		return s.aboutExport(status)
	}
	from := "store " + config.Shown(run.Store) + ", folder " + config.Shown(run.Inbox)
	if byHand(run) {
		from = "by hand, from /" + config.Shown(run.Inbox)
	}
	lines := [][2]string{
		{"run", fmt.Sprintf("%d, %s", run.ID, run.Kind)},
		{"status", status},
		{"wanted", s.wanted()},
		{"job", config.Shown(run.Job) + s.label()},
		{"job hash", run.JobHash},
		{"file", fmt.Sprintf("%s, %d bytes", report.Quote(run.File.Name, nameBytes), run.File.Size)},
		{"sha-256", run.SHA256},
		{"from", from},
		{"started", utc(run.Started)},
		{"finished", s.finished()},
		{"same as", s.sameAs()},
		{"replaced", s.replaced()},
		{"result", s.result()},
		{"records", s.counts()},
	}
	if run.Batch != run.ID {
		lines = append(lines, [2]string{"batch", fmt.Sprintf("claimed together with run %d", run.Batch)})
	}
	if run.Attempts > 0 {
		lines = append(lines, [2]string{"attempts", fmt.Sprintf("%d failed", run.Attempts)})
	}
	return append(lines, [2]string{"error", run.Error})
}

// nameBytes is how much of a name is shown; all that a file system allows.
const nameBytes = 255

// utc writes a time for people.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func (s *shownRun) label() string {
	if s.full == nil || s.full.Label == s.full.Job {
		return ""
	}
	return " (" + string(s.full.Label) + ")"
}

func (s *shownRun) finished() string {
	if s.Finished.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s, after %v", utc(s.Finished), s.Finished.Sub(s.Started).Round(time.Millisecond))
}

func (s *shownRun) sameAs() string {
	if s.SameAs == 0 {
		return ""
	}
	return fmt.Sprintf("run %d, which loaded this file", s.SameAs)
}

// wanted says what a person wants of the run, or wanted.
func (s *shownRun) wanted() string {
	if s.wish.Run == 0 {
		return ""
	}
	text := fmt.Sprintf("%s, by user %d at %s", s.wish.Want, s.wish.UID, utc(s.wish.At))
	if s.wish.Reason != "" {
		text += ": " + report.Visible(s.wish.Reason)
	}
	return text
}

// replaced says whose rows left for whose.
func (s *shownRun) replaced() string {
	var parts []string
	for _, one := range s.left {
		what := "its rows left for those of run " + strconv.FormatUint(one.Run, 10)
		if one.Run == s.ID {
			what = fmt.Sprintf("the rows of run %d left for its own", one.Earlier)
		}
		if one.Gone.IsZero() {
			what = strings.Replace(what, " left ", " are about to leave ", 1)
		}
		parts = append(parts, what)
	}
	return strings.Join(parts, "; ")
}

// result says why a file was rejected.
func (s *shownRun) result() string {
	if s.full == nil || s.full.Rejection == nil {
		return ""
	}
	return fmt.Sprintf("rejected: %s [%s]", s.full.Rejection.Message, s.full.Rejection.Code)
}

// counts lists the report's counters that aren't zero, or, before there is a report, what the ledger counts.
func (s *shownRun) counts() string {
	if s.full == nil {
		return fmt.Sprintf("at least %d, rejects %d", s.Records, s.Rejects)
	}
	c := s.full.Counts
	text := fmt.Sprintf("total %d, success %d, rejects %d", c.Total, c.Success, c.Rejects)
	for _, n := range []struct {
		name string
		n    uint64
	}{
		{"empty", c.Empty}, {"skipped", c.Skipped}, {"inserted", c.Inserted}, {"updated", c.Updated}, {"deleted", c.Deleted},
		{"unchanged", c.Unchanged}, {"doubles", c.Doubles}, {"duplicates", c.Duplicates}, {"errors", c.Errors}, {"warnings", c.Warnings},
	} {
		if n.n > 0 {
			text += fmt.Sprintf(", %s %d", n.name, n.n)
		}
	}
	return text
}

// inTable are the lines on the table.
func (s *shownRun) inTable() [][2]string {
	if s.Target == "" || s.out != nil {
		return nil
	}
	table := s.Target
	if column := s.runColumn(); column != "" && s.full != nil && s.Accepted > 0 {
		table += fmt.Sprintf("; the run's rows have %s = %d", column, s.lineage)
	}
	lines := [][2]string{{"table", table}}
	if s.full == nil {
		return append(lines, [2]string{"server", s.Server})
	}
	return append(lines, [2]string{"server", strings.TrimSuffix(string(s.full.Server)+", version "+s.full.Version, ", version ")},
		[2]string{"promise", string(s.full.Promise)})
}

// runColumn is the table's column that tells the run, "" where it has none.
func (s *shownRun) runColumn() string {
	var lineage reconcile.Lineage
	if json.Unmarshal([]byte(s.Run.Lineage), &lineage) != nil {
		return "" // no lineage is an empty text
	}
	return lineage.Run
}

func (s *shownRun) printWarnings(w io.Writer) error {
	if s.full == nil || len(s.full.Warnings) == 0 {
		return nil
	}
	t := s.list(w, "Warnings", column{name: "code"}, column{name: "column", sentence: true}, column{name: "count", right: true}, column{name: "line", right: true},
		column{name: "what is odd", sentence: true})
	for _, o := range s.full.Warnings {
		if err := t.add(o.Code, string(o.Column), fmt.Sprint(o.Count), fmt.Sprint(o.Line), string(o.Message)); err != nil {
			return err
		}
	}
	return t.flush()
}

func (s *shownRun) printSteps(w io.Writer) error {
	if s.full == nil || len(s.full.Steps) == 0 {
		return nil
	}
	t := s.list(w, "Steps", column{name: "step"}, column{name: "began (UTC)"}, column{name: "took", right: true})
	steps, last := s.full.Steps, s.full.Steps[len(s.full.Steps)-1]
	if rest := last.Began.Add(last.Took); s.Finished.After(rest) { // the report is written before them
		steps = append(steps, report.Step{Name: "judge to settle", Began: rest, Took: s.Finished.Sub(rest)})
	}
	for _, step := range steps {
		if err := t.add(step.Name, step.Began.UTC().Format("15:04:05.000"), step.Took.Round(time.Microsecond).String()); err != nil {
			return err
		}
	}
	return t.flush()
}

func (s *shownRun) printFiles(w io.Writer) error {
	t := s.list(w, "Files", column{}, column{fixed: true})
	t.bare = true
	for _, file := range s.files {
		name := string(file.Path)
		if file.Gone {
			name += " (not there any more)"
		}
		if err := t.add(strings.ReplaceAll(file.What, "_", " "), name); err != nil {
			return err
		}
	}
	return t.flush()
}

// list begins a table below a title, and sets it off from what stands before.
func (s *shownRun) list(w io.Writer, title string, columns ...column) *table {
	if s.begun {
		fmt.Fprintln(w)
	}
	s.begun = true
	fmt.Fprintln(w, title)
	t := textTable(w, columns...)
	t.indent, t.width = "  ", s.width
	return t
}

// printRejects prints the kinds of reasons and the first ones.
func (s *shownRun) printRejects(w io.Writer) error {
	if len(s.reasons()) == 0 {
		_, err := fmt.Fprintln(w, "No record was refused.")
		return err
	}
	t := s.list(w, "Why records were refused", column{name: "code"}, column{name: "column", sentence: true}, column{name: "count", right: true},
		column{name: "first on line", right: true})
	for _, r := range s.reasons() {
		if err := t.add(r.Code, string(r.Column), fmt.Sprint(r.Count), fmt.Sprint(r.FirstLine)); err != nil {
			return err
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	title := "All reasons"
	if n := len(s.full.Examples); uint64(n) < s.full.Counts.Errors {
		title = fmt.Sprintf("The first %d of %d reasons", n, s.full.Counts.Errors)
	}
	t = s.list(w, title, column{name: "line", right: true}, column{name: "column", sentence: true}, column{name: "code"}, column{name: "why", sentence: true},
		column{name: "value", rest: true, sentence: true})
	for _, e := range s.full.Examples {
		if err := t.add(fmt.Sprint(e.Line), string(e.Column), e.Code, string(e.Message), string(e.Value)); err != nil {
			return err
		}
	}
	return t.flush()
}
