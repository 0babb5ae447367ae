package main

import (
	"github.com/spf13/cobra"

	"chute/config"
)

func runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "watch the inboxes until stopped (SIGTERM); this is what systemd starts",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			chute, jobs, err := config.Load(configFile(c))
			if err != nil {
				return err
			}
			d, err := openDaemon(c.Context(), chute, jobs, newLog(c.ErrOrStderr()))
			if err != nil {
				return err
			}
			defer d.Close()
			return d.serveDuring(c.Context(), func() error { return d.Run(c.Context()) })
		},
	}
}
