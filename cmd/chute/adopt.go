package main

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline"
)

func adoptCommand() *cobra.Command {
	var same bool
	c := &cobra.Command{
		Use:   "adopt [LEDGER]",
		Short: "take over the claimed files of a chute that is gone",
		Long: "Decides about the files in the stores' work folders that a chute claimed whose machine or state is gone for good. LEDGER is the id of its ledger, which those folders are " +
			"called after; without it those that there are are listed. A file whose records are in its table goes to its place with its sidecars, one of which nothing is in the table goes back " +
			"to its inbox, and of one that was loaded in part the rows are taken out first. Where the table can't tell, nothing is touched, and that is said. It may be broken off and repeated.\n\n" +
			"That the other chute doesn't run any more is yours to know: two that work on the same files would load them twice.\n\n" +
			"Exit codes: 0 nothing is left, 1 something is, 64 usage, 78 configuration.",
		Args:        cobra.MaximumNArgs(1),
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			chute, jobs, mistakes := config.LoadSome(configFile(c))
			if chute == nil || mistakes != nil && len(args) == 1 {
				return mistakes // a job that can't be read may be the one that decides about a file
			}
			if len(args) == 1 && !ledgerID.MatchString(args[0]) {
				return &exit{exitUsage, fmt.Sprintf("%q isn't a ledger's id: ten small letters and digits; chute adopt lists those that have files here", args[0])}
			}
			return withState(c, chute, jobs, func(d *daemon) error {
				if len(args) == 0 {
					sayMistakes(c, mistakes)
					return d.listForsaken(c)
				}
				return d.adopt(c, jobs, args[0], same)
			})
		},
	}
	c.Flags().BoolVar(&same, "same-database", false, "the database is the one that the other chute used, though its name or this machine's is another")
	return c
}

var ledgerID = regexp.MustCompile(`^[a-z2-7]{10}$`)

// listForsaken lists the ledgers, besides the own one, that have claimed files in the stores.
func (d *daemon) listForsaken(c *cobra.Command) error {
	t := newTable(c, column{name: "ledger"}, column{name: "store"}, column{name: "files", right: true}, column{name: "newest", rest: true})
	var errs []error // a store that is down doesn't keep the others from being told about
	for _, s := range d.config.Stores {
		all, err := pipeline.Forsaken(c.Context(), d.stores[s.Name], s.Work, d.ledger.ID())
		if err != nil {
			errs = append(errs, fmt.Errorf("store %q: %w", s.Name, err))
		}
		for _, of := range slices.Sorted(maps.Keys(all)) {
			if err := t.add(of, s.Name, fmt.Sprint(all[of].Files), age(all[of].Newest)+" ago"); err != nil {
				return err
			}
		}
	}
	return errors.Join(append(errs, t.flush())...)
}

// fresh is how young a claim is that makes one ask whether its chute isn't still at work.
const fresh = 10 * time.Minute

// adopt decides about all claims of a ledger.
func (d *daemon) adopt(c *cobra.Command, jobs []*config.Job, of string, same bool) error {
	if of == d.ledger.ID() {
		return &exit{exitUsage, fmt.Sprintf("%s is the ledger of this state: its files are gone on with by the daemon", of)}
	}
	d.adopting.Lock()
	defer d.adopting.Unlock()
	found, left := 0, 0
	var errs []error // a store that is down doesn't keep the files of the others
	for _, s := range d.config.Stores {
		err := d.adoptIn(c, s, jobs, of, same, func(f pipeline.Fate) {
			found++
			if f.Why != "" {
				left++
			}
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("store %q: %w", s.Name, err))
		}
	}
	if w := d.watcher.Load(); w != nil {
		w.Look()
	}
	switch {
	case len(errs) > 0:
		return errors.Join(errs...)
	case left > 0:
		return &exit{code: exitFailed}
	case found == 0:
		fmt.Fprintf(c.OutOrStdout(), "no store has claimed files of ledger %s\n", of)
	}
	return nil
}

// adoptIn decides about the claims in one store.
func (d *daemon) adoptIn(c *cobra.Command, s config.Store, jobs []*config.Job, of string, same bool, count func(pipeline.Fate)) error {
	o, err := d.orphans(s.Name, jobs, of)
	if err != nil {
		return err
	}
	o.SameDatabase = same
	if err := d.warnFresh(c, s, of); err != nil {
		return err
	}
	return o.Decide(c.Context(), func(f pipeline.Fate) {
		count(f)
		tellFate(c, s.Name, f)
		d.log.Info().Str("ledger", of).Str("store", s.Name).Str("job", f.Job).Str("file", config.Shown(f.File)).Uint64("run", f.Run).Str("ending", string(f.Ending)).Msg("adopted")
	})
}

func (d *daemon) warnFresh(c *cobra.Command, s config.Store, of string) error {
	all, err := pipeline.Forsaken(c.Context(), d.stores[s.Name], s.Work, d.ledger.ID())
	if err != nil {
		return err
	}
	if left := all[of]; left.Files > 0 && time.Since(left.Newest) < fresh {
		fmt.Fprintf(c.ErrOrStderr(), "chute: store %q: ledger %s claimed files %s ago: its chute must not run any more\n", s.Name, of, age(left.Newest))
	}
	return nil
}

// tellFate prints what became of one file.
func tellFate(c *cobra.Command, store string, f pipeline.Fate) {
	whose := ""
	if f.Run != 0 {
		whose = fmt.Sprintf(" (run %d of job %s)", f.Run, config.Shown(f.Job))
	}
	what := fmt.Sprintf("%s, in %q now", f.Ending, path.Dir(f.At))
	if f.Why != "" {
		what = fmt.Sprintf("%s, stays in %q: %s", f.Ending, path.Dir(f.At), said(f.Why))
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %q%s: %s\n", store, f.File, whose, what)
}
