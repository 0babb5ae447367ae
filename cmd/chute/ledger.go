package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline/ledger"
)

func ledgerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ledger",
		Short: "chute's memory of runs and loaded files: where it is, and how to back it up",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withLedger(c, func(chute *config.Chute, _ *ledger.Reader) error {
				_, err := fmt.Fprintln(c.OutOrStdout(), filepath.Join(chute.State.Dir, ledgerFile))
				return err
			})
		},
	}
	c.AddCommand(&cobra.Command{
		Use:   "backup FILE",
		Short: "write a copy of the ledger, also while a daemon runs",
		Long: "Writes a copy of the ledger as it is at one moment, whether or not a daemon runs. The name is given when the copy is whole, checked and on the disk; " +
			"a file of that name is never replaced. To restore it, stop chute, move ledger.db, ledger.db-wal and ledger.db-shm away from the state folder, and put the backup there as ledger.db.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withLedger(c, func(_ *config.Chute, r *ledger.Reader) error {
				if err := r.Backup(c.Context(), args[0]); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "the ledger %s is backed up to %s\n", r.ID(), args[0])
				return nil
			})
		},
	})
	return c
}
