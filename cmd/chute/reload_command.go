package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"chute/config"
)

func reloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "have the daemon read its configuration again",
		Long: "Has the daemon read chute.toml and the jobs again, as SIGHUP does, and says what came of it. If there is anything wrong with them nothing changes. New and changed jobs " +
			"begin at once; what is under way goes on with the job that it began with. [database], [state] and [limits] can't be changed so.\n\n" +
			"Exit codes: 0 what is on the disk is in effect, 1 no daemon runs, 78 the configuration was refused.",
		Args:        cobra.NoArgs,
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := filepath.Abs(configFile(c))
			if err != nil {
				return err
			}
			if owner := callerOf(c).owner; owner != nil {
				return owner.reloadFor(c, file)
			}
			dir, err := stateOf(file)
			if err != nil {
				return err
			}
			done, err := handOver(c, dir)
			if err == nil && !done {
				err = fmt.Errorf("no chute that you may ask runs with the state %s; each start reads the configuration", dir)
			}
			return err
		},
	}
}

// stateOf is the state's folder as the configuration names it. Where that is so bad that it can't be told, systemd knows, and the daemon gets to know of the bad configuration.
func stateOf(file string) (string, error) {
	chute, err := config.LoadChute(file)
	if err == nil {
		return chute.State.Dir, nil
	}
	if dir := os.Getenv("STATE_DIRECTORY"); dir != "" {
		return dir, nil
	}
	return "", err
}

// reloadFor reloads for another process.
func (d *daemon) reloadFor(c *cobra.Command, file string) error {
	select {
	case <-d.readings.ready:
	case <-c.Context().Done():
		return context.Cause(c.Context())
	}
	if file != d.readings.file {
		return &exit{exitUsage, fmt.Sprintf("the daemon reads %s, not %s", d.readings.file, file)}
	}
	found, err := d.reload(c.Context())
	if err == nil {
		_, err = fmt.Fprintln(c.OutOrStdout(), found)
	}
	return err
}
