package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// runsFlags are what `chute runs` is asked for.
type runsFlags struct {
	jobs, kinds, statuses, stores []string
	file, since, until            string
	last                          int
	json                          bool
}

func runsCommand() *cobra.Command {
	var f runsFlags
	c := &cobra.Command{
		Use:   "runs",
		Short: "list runs, the newest first",
		Long: "Lists runs, the newest first, from the ledger in the state folder, whether or not a daemon runs. Filters restrict each other; a list filter takes " +
			"several values, with commas or given several times. Times are UTC: a moment (2026-03-01, \"2026-03-01 14:30\", 2026-03-01T14:30:00+01:00) or how " +
			"long ago (90m, 36h, 7d).\n\nOn a terminal this is a table, cut to fit; on a pipe, lines with tabs. --json prints one JSON object a line, with all " +
			"that the ledger knows of a run.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			filter, err := f.filter(time.Now())
			if err != nil {
				return &exit{exitUsage, err.Error()}
			}
			return withLedger(c, func(_ *config.Chute, r *ledger.Reader) error {
				if f.json {
					return printRunLines(c, r, filter)
				}
				return printRunTable(c, r, filter)
			})
		},
	}
	c.Flags().StringSliceVar(&f.jobs, "job", nil, "only runs of these `JOBS`")
	c.Flags().StringSliceVar(&f.kinds, "kind", nil, "only runs of these `KINDS`: "+joined(runKinds))
	c.Flags().StringSliceVar(&f.statuses, "status", nil, "only runs with these `STATUSES`: "+joined(ledger.Statuses))
	c.Flags().StringSliceVar(&f.stores, "store", nil, "only files of these `STORES`")
	c.Flags().StringVar(&f.file, "file", "", "only files whose names fit the `GLOB`, such as 'orders_*.csv'")
	c.Flags().StringVar(&f.since, "since", "", "only runs that began at this `TIME` or later")
	c.Flags().StringVar(&f.until, "until", "", "only runs that began before this `TIME`")
	c.Flags().IntVarP(&f.last, "last", "n", 50, "the last `N` of them; 0 = all")
	c.Flags().BoolVar(&f.json, "json", false, "JSON lines instead of a table")
	return c
}

// withLedger reads the ledger beside whoever owns the state. Where there is none, nothing has run yet: that is said, and isn't an error.
func withLedger(c *cobra.Command, do func(*config.Chute, *ledger.Reader) error) error {
	chute, err := config.LoadChute(configFile(c))
	if err != nil {
		return err
	}
	r, err := ledger.OpenReader(c.Context(), filepath.Join(chute.State.Dir, ledgerFile))
	if errors.Is(err, fs.ErrNotExist) {
		if err := lostLedger(chute.State.Dir); err != nil {
			return err
		}
		fmt.Fprintf(c.ErrOrStderr(), "chute: nothing has run yet: there is no ledger in %s\n", chute.State.Dir)
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(do(chute, r), r.Close())
}

// lostLedger tells of a state whose ledger is gone: runs have left their reports there.
func lostLedger(state string) error {
	runs, err := os.ReadDir(filepath.Join(state, runsFolder))
	if _, gone := os.Lstat(filepath.Join(state, ledgerFile)); err != nil || len(runs) == 0 || !errors.Is(gone, fs.ErrNotExist) {
		return nil // it was never made, or is being made
	}
	return fmt.Errorf("there is no ledger in %s, but its folder %s has reports of %s: %s is lost, and with it the memory of what was loaded; before chute is started, bring it back or put a backup in its place",
		state, runsFolder, count(len(runs), "run"), ledgerFile)
}

// filter checks what was asked for.
func (f *runsFlags) filter(now time.Time) (ledger.Filter, error) {
	filter := ledger.Filter{Jobs: f.jobs, Kinds: f.kinds, Stores: f.stores, Limit: f.last}
	if f.last < 0 {
		return filter, errors.New("--last: a number from 0; 0 lists all")
	}
	for _, kind := range f.kinds {
		if err := oneOf("--kind", kind, runKinds); err != nil {
			return filter, err
		}
	}
	for _, status := range f.statuses {
		if err := oneOf("--status", status, ledger.Statuses); err != nil {
			return filter, err
		}
		filter.Statuses = append(filter.Statuses, ledger.Status(status))
	}
	if f.file != "" {
		if err := filter.File.UnmarshalText([]byte(f.file)); err != nil {
			return filter, fmt.Errorf("--file: %w", err)
		}
	}
	var err error
	if filter.Since, err = parseMoment(f.since, now); err != nil {
		return filter, fmt.Errorf("--since: %w", err)
	}
	if filter.Until, err = parseMoment(f.until, now); err != nil {
		return filter, fmt.Errorf("--until: %w", err)
	}
	return filter, nil
}

var runKinds = []string{ledger.Import, ledger.Export}

func oneOf[T ~string](flag, value string, allowed []T) error {
	for _, a := range allowed {
		if string(a) == value {
			return nil
		}
	}
	return fmt.Errorf("%s: %q isn't known; allowed are %s", flag, value, joined(allowed))
}

func joined[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = string(one)
	}
	return strings.Join(texts, ", ")
}

// momentLayouts are how moments may be written; without an offset they are UTC.
var momentLayouts = []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339}

// parseMoment reads a moment, or how long ago one was. "" is the zero time.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if days, err := strconv.Atoi(text[:len(text)-1]); err == nil && days >= 0 && text[len(text)-1] == 'd' {
		return now.AddDate(0, 0, -days), nil
	}
	var ago config.Duration
	if err := ago.UnmarshalText([]byte(text)); err != nil {
		return time.Time{}, fmt.Errorf(`%q is neither a moment, such as "2026-03-01 14:30", nor how long ago, such as 36h or 7d`, text)
	}
	return now.Add(-time.Duration(ago)), nil
}

func printRunLines(c *cobra.Command, r *ledger.Reader, f ledger.Filter) error {
	for run, err := range r.Each(c.Context(), f) {
		if err != nil {
			return err
		}
		line, err := report.Encode(newRunLine(run), "")
		if err != nil {
			return err
		}
		if _, err := c.OutOrStdout().Write(line); err != nil {
			return err
		}
	}
	return nil
}

func printRunTable(c *cobra.Command, r *ledger.Reader, f ledger.Filter) error {
	t := newTable(c, column{name: "run", right: true}, column{name: "job"}, column{name: "file", narrow: true}, column{name: "status"},
		column{name: "records", right: true}, column{name: "loaded", right: true, optional: true}, column{name: "rejects", right: true}, column{name: "started", fixed: true},
		column{name: "seconds", right: true, optional: true}, column{name: "error", optional: true, rest: true, sentence: true})
	n := 0
	for run, err := range r.Each(c.Context(), f) {
		if err != nil {
			return err
		}
		n++
		took := ""
		if !run.Finished.IsZero() {
			took = strconv.FormatFloat(run.Finished.Sub(run.Started).Seconds(), 'f', 3, 64)
		}
		loaded, rejects := fmt.Sprint(run.Accepted), fmt.Sprint(run.Rejects)
		if run.Kind == ledger.Export {
			loaded, rejects = "", ""
		}
		err := t.add(fmt.Sprint(run.ID), run.Job, run.File.Name, string(run.Status), fmt.Sprint(run.Records), loaded, rejects, run.Started.UTC().Format("2006-01-02T15:04:05Z"), took, run.Error)
		if err != nil {
			return err
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	if n == f.Limit && callerOf(c).request.Terminal {
		fmt.Fprintf(c.ErrOrStderr(), "These are the last %d; --last 0 lists all.\n", n)
	}
	return nil
}
