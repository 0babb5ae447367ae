package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// shownExport is what is known of a run because it is an export.
type shownExport struct {
	is     ledger.Exporting
	report *report.Delivery // nil until the file is whole, or refused
}

func readExport(c *cobra.Command, r *ledger.Reader, run ledger.Run) (*shownExport, error) {
	is, err := r.Exporting(c.Context(), run.ID)
	if err != nil {
		return nil, err
	}
	s := &shownExport{is: is}
	if len(run.Report) > 0 {
		s.report = &report.Delivery{}
		if err := json.Unmarshal(run.Report, s.report); err != nil {
			return nil, fmt.Errorf("the report of run %d in the ledger: %w", run.ID, err)
		}
	}
	return s, nil
}

// aboutExport are the lines on the file and on what became of it.
func (s *shownRun) aboutExport(status string) [][2]string {
	run := s.Run
	to := "store " + config.Shown(run.Store) + ", folder " + config.Shown(run.Inbox)
	if byHand(run) {
		to = "by hand, to " + config.Shown(run.Store)
	}
	lines := [][2]string{
		{"run", fmt.Sprintf("%d, %s", run.ID, run.Kind)},
		{"status", status},
		{"job", config.Shown(run.Job)},
		{"job hash", run.JobHash},
		{"file", fmt.Sprintf("%s, %d bytes", report.Quote(run.File.Name, nameBytes), run.File.Size)},
		{"number", strconv.FormatUint(s.out.is.Seq, 10)},
		{"sha-256", run.SHA256},
		{"to", to},
		{"started", utc(run.Started)},
		{"finished", s.finished()},
		{"rows", strconv.FormatUint(run.Records, 10)},
		{"table", run.Target},
		{"server", run.Server},
	}
	if !s.out.is.Due.IsZero() {
		lines = append(lines, [2]string{"due", utc(s.out.is.Due)})
	}
	if is := s.out.is; !is.Until.IsZero() {
		since := "the beginning"
		if !is.Since.IsZero() {
			since = utc(is.Since)
		}
		lines = append(lines, [2]string{"new from", since + " to " + utc(is.Until)})
	}
	if d := s.out.report; d != nil {
		lines = append(lines, [2]string{"asked", report.Visible(d.SQL)})
	}
	if run.Attempts > 0 {
		lines = append(lines, [2]string{"attempts", fmt.Sprintf("%d failed", run.Attempts)})
	}
	return append(lines, [2]string{"error", run.Error})
}

// exportedFiles says where everything of an export lies, or lay until somebody fetched it.
func (s *shownRun) exportedFiles(chute *config.Chute) (files []runFile) {
	for _, m := range s.Moves {
		name, what := m.To, pipeline.Carried(m)
		files = append(files, runFile{What: what, Path: report.Text(inStore(chute, s.Run.Store, name))})
	}
	if s.out.report != nil {
		dir := filepath.Join(chute.State.Dir, runsFolder, strconv.FormatUint(s.ID, 10))
		files = append(files, runFile{What: "full_log", Path: report.Text(filepath.Join(dir, "log"))},
			runFile{What: "full_report", Path: report.Text(filepath.Join(dir, "report.json"))})
	}
	return looked(files)
}
