package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// retryCommand also takes what a person has found out about interrupted runs. It isn't guessed: sent again, records that are in the table would be there twice.
func retryCommand() *cobra.Command {
	var loaded, notLoaded bool
	c := continueCommand("retry", "try stuck runs again at once", "Tries runs again that are stuck, or wait for their next try. Without a daemon that happens when one is started. "+
		"An interrupted run goes on when you have looked into the table and say what is there: all of its records (--loaded), or none of them (--not-loaded).",
		map[ledger.Status]bool{ledger.Stuck: true, ledger.Retrying: true})
	c.Flags().BoolVar(&loaded, "loaded", false, "all records of the interrupted run are in the table: don't send them again")
	c.Flags().BoolVar(&notLoaded, "not-loaded", false, "no record of the interrupted run is in the table: load them")
	c.MarkFlagsMutuallyExclusive("loaded", "not-loaded")
	again := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if !loaded && !notLoaded {
			return again(c, args)
		}
		var decided []uint64
		return withRuns(c, args, func(d *daemon, run ledger.Run) error {
			if slices.Contains(decided, run.ID) {
				return nil // with one before it
			}
			more, err := d.decide(c, run, loaded)
			decided = append(decided, more...)
			return err
		})
	}
	return c
}

// decide lets an interrupted run go on, and those whose records go into the table with its own.
func (d *daemon) decide(c *cobra.Command, run ledger.Run, loaded bool) (decided []uint64, err error) {
	if run.Status != ledger.Interrupted {
		return nil, fmt.Errorf("it is %s: only of an interrupted run a person says what is in the table", run.Status)
	}
	if d.interrupts.Working(run.ID) {
		return nil, errors.New("its records are being sent just now; look again when that is over")
	}
	if decided, err = d.ledger.Decide(c.Context(), run.ID, loaded); err != nil {
		return nil, err
	}
	said := map[bool]string{true: "its records are in the table and aren't sent again", false: "none of its records is in the table, and they are loaded"}[loaded]
	for _, id := range decided {
		d.log.Warn().Uint64("run", id).Bool("loaded", loaded).Uint32("uid", uidOf(c)).Msg("somebody has decided about an interrupted run")
		when, err := d.goOnWith(c.Context(), id)
		if err != nil {
			return decided, err
		}
		fmt.Fprintf(c.OutOrStdout(), "run %d goes on %s: %s\n", id, when, said)
	}
	return decided, nil
}

func (d *daemon) goOnWith(ctx context.Context, id uint64) (when string, err error) {
	run, err := d.ledger.Run(ctx, id)
	if err != nil {
		return "", err
	}
	return d.goOn(ctx, run)
}

// undecided says what a person has to find out before an interrupted run can go on.
func undecided(run ledger.Run) error {
	return fmt.Errorf("it is interrupted, and sent again its records might be in %s twice: look whether they are there, then say `chute retry %d --loaded` or `chute retry %[2]d --not-loaded`",
		report.Visible(run.Target), run.ID)
}
