package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline/report"
	"chute/watcher/status"
)

// statusJSON is what `chute status --json` prints. The README's table is made of these comments.
type statusJSON struct {
	Schema   int              `json:"schema"`           // 1
	Level    status.Level     `json:"level"`            // ok, warning, critical, unknown: of the worst finding
	Findings []status.Finding `json:"findings"`         // what a person has to look at, the worst first
	Daemon   *status.Daemon   `json:"daemon,omitempty"` // daemon.json; missing when it can't be read
	Jobs     []status.Job     `json:"jobs"`             // the files of jobs/
}

func statusCommand() *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "tell whether all is well: one line and an exit code for monitoring",
		Long: "Tells from the status files alone how the daemon is doing, in one line with performance data, as monitoring plugins do. The exit code is 0 when all is " +
			"well, 1 for a warning, 2 when something is critical and 3 when it can't be told. Whoever may read the files can ask; with --dir no configuration " +
			"is needed.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, findings := statusOf(c, dir)
			level := status.Worst(findings)
			if err := printStatus(c, s, findings, asJSON); err != nil {
				return &exit{int(status.Unknown), err.Error()}
			}
			if level == status.OK {
				return nil
			}
			return &exit{code: int(level)}
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "the state's `FOLDER`, instead of the one that the configuration names")
	c.Flags().BoolVar(&asJSON, "json", false, "everything as one JSON object")
	return c
}

// statusOf reads the files and judges. What can't be read is a finding too.
func statusOf(c *cobra.Command, dir string) (status.Snapshot, []status.Finding) {
	if dir == "" {
		chute, err := config.LoadChute(configFile(c))
		if err != nil {
			return status.Snapshot{}, status.CannotTell(fmt.Errorf("%s can't be read; give the state's folder with --dir: %w", configFile(c), err))
		}
		dir = chute.State.Dir
	}
	s, err := status.Read(filepath.Join(dir, status.Dir))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return status.Snapshot{}, status.CannotTell(fmt.Errorf("there are no status files in %s: no chute has run there", dir))
	case err != nil:
		return status.Snapshot{}, status.CannotTell(err)
	}
	return s, status.Judge(s, time.Now())
}

func printStatus(c *cobra.Command, s status.Snapshot, findings []status.Finding, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(c.OutOrStdout(), status.Line(s, findings, time.Now()))
		return err
	}
	shown := statusJSON{Schema: status.Schema, Level: status.Worst(findings), Findings: append([]status.Finding{}, findings...), Jobs: append([]status.Job{}, s.Jobs...)}
	if s.Daemon.Schema != 0 {
		shown.Daemon = &s.Daemon
	}
	text, err := report.Encode(shown, "  ")
	if err != nil {
		return err
	}
	_, err = c.OutOrStdout().Write(text)
	return err
}
