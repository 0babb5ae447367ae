package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// showFlags are the parts that `chute show` is asked for.
type showFlags struct{ general, log, rejects, json bool }

func showCommand() *cobra.Command {
	var f showFlags
	c := &cobra.Command{
		Use:   "show RUN",
		Short: "show a run: what became of its file, why records were refused, where everything lies",
		Long: "Shows what the ledger and the full report know of a run: by default the general part and the rejects. --log prints the run's log, as it lies in " +
			"the state folder. --json prints all but the log as one JSON object.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 63)
			if err != nil {
				return &exit{exitUsage, fmt.Sprintf("%q isn't a run's number; chute runs lists them", args[0])}
			}
			if f.json && (f.general || f.log || f.rejects) {
				return &exit{exitUsage, "--json has all parts; leave the other flags out"}
			}
			return withLedger(c, func(chute *config.Chute, r *ledger.Reader) error {
				shown, err := readRun(c, chute, r, id)
				if err != nil {
					return err
				}
				return shown.print(c.OutOrStdout(), f)
			})
		},
	}
	c.Flags().BoolVar(&f.general, "general", false, "only the general part, and others that are asked for")
	c.Flags().BoolVar(&f.log, "log", false, "the run's log")
	c.Flags().BoolVar(&f.rejects, "rejects", false, "why records were refused: the kinds of reasons, and the first ones")
	c.Flags().BoolVar(&f.json, "json", false, "all but the log as JSON")
	return c
}

// shownRun is a run with everything that is known of it.
type shownRun struct {
	ledger.Run
	lineage uint64 // its number in tables
	left    []ledger.Replacement
	wish    ledger.Wish    // zero: nobody wanted anything of it
	full    *report.Report // nil until the file is judged, and for exports
	out     *shownExport   // nil for imports
	files   []runFile
	at      string // where a file given by hand is
	width   int    // of the terminal; 0: there is none
	begun   bool   // something was printed
	behind  bool   // it is under way, and nobody is at it
}

// judged are the states in which what is to become of the file has been decided; a report from before is an earlier try's.
var judged = map[ledger.State]bool{ledger.Publishing: true, ledger.Published: true, ledger.Rejecting: true, ledger.Settled: true}

func readRun(c *cobra.Command, chute *config.Chute, r *ledger.Reader, id uint64) (*shownRun, error) {
	run, err := r.Run(c.Context(), id)
	if errors.Is(err, ledger.ErrNoRun) {
		return nil, &exit{exitUsage, fmt.Sprintf("there is no run %d in %s; chute runs lists them", id, chute.State.Dir)}
	}
	if err != nil {
		return nil, err
	}
	s := &shownRun{Run: run, lineage: r.Lineage(id)}
	if s.left, err = r.Replacements(c.Context(), id); err != nil {
		return nil, err
	}
	wishes, err := r.Wishes(c.Context(), id)
	if err != nil {
		return nil, err
	}
	s.wish = wishes[id]
	if s.behind, err = leftBehind(chute, run); err != nil {
		return nil, err
	}
	if who := callerOf(c).request; who.Terminal {
		s.width = who.Width
	}
	if run.Kind == ledger.Export {
		if s.out, err = readExport(c, r, run); err != nil {
			return nil, err
		}
	} else if judged[run.State] && len(run.Report) > 0 {
		s.full = &report.Report{}
		if err := json.Unmarshal(run.Report, s.full); err != nil {
			return nil, fmt.Errorf("the report of run %d in the ledger: %w", id, err)
		}
	}
	if byHand(run) {
		first, err := deliveredBy(c.Context(), r, run)
		if err != nil {
			return nil, err
		}
		if s.at, err = archivedAt(chute, first); err != nil {
			s.at = "" // of a replay whose store is gone
		}
	}
	s.files = s.findFiles(chute, r.ID())
	return s, nil
}

// print prints the parts that are wanted, in a fixed order.
func (s *shownRun) print(w io.Writer, f showFlags) error {
	if f.json {
		return s.printJSON(w)
	}
	if !f.general && !f.log && !f.rejects {
		f.general, f.rejects = true, len(s.reasons()) > 0
	}
	for _, part := range []struct {
		wanted bool
		print  func(io.Writer) error
	}{{f.general, s.printGeneral}, {f.rejects, s.printRejects}, {f.log, s.printLog}} {
		if !part.wanted {
			continue
		}
		if err := part.print(w); err != nil {
			return err
		}
	}
	return nil
}

// shownJSON is the object of `chute show --json`.
type shownJSON struct {
	runLine
	Replaces     []uint64        `json:"replaces,omitempty"`      // runs of earlier files of the name whose rows left, or are about to leave, for those of this run
	ReplacedBy   uint64          `json:"replaced_by,omitempty"`   // the run for whose rows those of this one left, or are about to leave
	LeftBehind   bool            `json:"left_behind,omitempty"`   // true when it is under way by its status, and nobody is at it: chute ended meanwhile, and goes on with it when it is started
	Wanted       ledger.Want     `json:"wanted,omitempty"`        // what a person wants of the run, or wanted: pause, cancel or reject; unmatched, where chute itself does, because no job matches the name
	WantedAt     time.Time       `json:"wanted_at,omitzero"`      // when that was said
	WantedBy     *uint32         `json:"wanted_by,omitempty"`     // the number of the user who said it
	WantedReason report.Text     `json:"wanted_reason,omitempty"` // why, as it was said
	Due          time.Time       `json:"due,omitzero"`            // for an export that a schedule wanted: its moment
	Seq          uint64          `json:"seq,omitempty"`           // for an export: the number of the delivery, counted per job
	Files        []runFile       `json:"files"`                   // what there is of the run, a list of objects, the file itself first
	Report       json.RawMessage `json:"report,omitempty"`        // the full report, as in `runs/RUN/report.json`; missing until the file is judged
}

func (s *shownRun) printJSON(w io.Writer) error {
	shown := shownJSON{runLine: newRunLine(s.Run), LeftBehind: s.behind, Files: s.files}
	for _, one := range s.left {
		if one.Run == s.ID {
			shown.Replaces = append(shown.Replaces, one.Earlier)
		} else {
			shown.ReplacedBy = one.Run
		}
	}
	if w := s.wish; w.Run != 0 {
		shown.Wanted, shown.WantedAt, shown.WantedBy, shown.WantedReason = w.Want, w.At, &w.UID, report.Text(w.Reason)
	}
	if s.full != nil || s.out != nil && s.out.report != nil {
		shown.Report = s.Run.Report
	}
	if s.out != nil {
		shown.Due, shown.Seq = s.out.is.Due, s.out.is.Seq
	}
	text, err := report.Encode(shown, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// printLog copies the run's log. Everything in it was made safe to look at when it was written.
func (s *shownRun) printLog(w io.Writer) error {
	for _, file := range s.files {
		if file.What != "full_log" || file.Gone {
			continue
		}
		text, err := os.ReadFile(string(file.Path))
		if err != nil {
			return fmt.Errorf("read the log of run %d: %w", s.ID, err)
		}
		_, err = w.Write(text)
		return err
	}
	return fmt.Errorf("run %d has no log: it is written when the file is judged, and is at %s", s.ID, s.State)
}

func (s *shownRun) reasons() []report.ReasonSum {
	if s.full == nil {
		return nil
	}
	return s.full.Reasons
}
