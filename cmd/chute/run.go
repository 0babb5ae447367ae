package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"chute/config"
)

func runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "watch the inboxes until stopped (SIGTERM); this is what systemd starts",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := filepath.Abs(configFile(c))
			if err != nil {
				return err
			}
			chute, jobs, err := config.Load(configFile(c)) // errors name files as they were given
			if err != nil {
				return err
			}
			d, err := openDaemon(c.Context(), chute, jobs, newLog(c.ErrOrStderr()))
			if err != nil {
				return err
			}
			defer d.Close()
			d.readings.file = file
			defer d.heedSignals()()
			return d.serveDuring(c.Context(), func() error { return d.Run(c.Context()) })
		},
	}
}
