package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

func holdCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "hold JOB…",
		Short: "keep jobs from taking files, or delivering, until they are released",
		Long: "Keeps jobs from taking files, or from delivering, until `chute release`, also through restarts. Files wait in the inbox; what was begun goes on. Jobs are also held by " +
			"themselves, as their keys strict, hold_after and hold_header say. Imports and exports by hand aren't kept from anything.",
		Args:        cobra.MinimumNArgs(1),
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			return withJobs(c, args, func(d *daemon, job string) error {
				fresh, err := d.ledger.Hold(c.Context(), job, reason, time.Now())
				if err != nil {
					return err
				}
				if !fresh {
					fmt.Fprintf(c.OutOrStdout(), "job %s is held already\n", job)
					return nil
				}
				d.log.Warn().Str("job", job).Str("reason", reason).Msg("the job is held until it is released")
				fmt.Fprintf(c.OutOrStdout(), "job %s is held\n", job)
				return nil
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "by hand", "why, a `TEXT` for the log and for who wants to release it")
	return c
}

func releaseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "release JOB…",
		Short: "let held jobs take files, or deliver, again",
		Long: "Lets jobs take files, or deliver, again that were held, by themselves or by `chute hold`. What became of their files before is no reason to hold them again. " +
			"What exports would have delivered meanwhile is dealt with as catch_up says. A daemon that is running looks at once.",
		Args:        cobra.MinimumNArgs(1),
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			return withJobs(c, args, func(d *daemon, job string) error {
				was, err := d.ledger.Release(c.Context(), job, time.Now())
				if err != nil {
					return err
				}
				if !was.Held() {
					fmt.Fprintf(c.OutOrStdout(), "job %s wasn't held\n", job)
					return nil
				}
				d.log.Info().Str("job", job).Msg("the job is released")
				fmt.Fprintf(c.OutOrStdout(), "job %s is released; it was held since %s: %s\n", job, was.Since.UTC().Format(time.RFC3339), report.Visible(was.Reason))
				return nil
			})
		},
	}
}

// withJobs does something to each of the jobs as the owner of the state, and has the inboxes looked at then. A name that no job has, and no hold, stops it
// before anything is done; mistakes in jobs' files don't, for only the names matter.
func withJobs(c *cobra.Command, names []string, do func(d *daemon, job string) error) error {
	chute, jobs, mistakes := config.LoadSome(configFile(c))
	if chute == nil {
		return mistakes
	}
	for _, name := range names {
		if err := refuseNoJob(chute, jobs, mistakes, name); err != nil && !heldJobs(c, chute)[name].Held() {
			return err
		}
	}
	slices.Sort(names)
	return withState(c, chute, jobs, func(d *daemon) error {
		sayMistakes(c, mistakes)
		for _, name := range slices.Compact(names) {
			if err := do(d, name); err != nil {
				return err
			}
		}
		if w := d.watcher.Load(); w != nil {
			w.Look()
		}
		if a := d.agenda.Load(); a != nil {
			a.Look()
		}
		return nil
	})
}

// refuseNoJob refuses a name that no job has.
func refuseNoJob(chute *config.Chute, jobs []*config.Job, mistakes error, name string) error {
	var names []string
	for _, job := range jobs {
		names = append(names, job.Name)
	}
	for _, e := range chute.Exports {
		names = append(names, e.Name)
	}
	if slices.Contains(names, name) || mistakes != nil && hasFile(chute, name) {
		return nil
	}
	return &exit{exitUsage, fmt.Sprintf("there is no job %q in %s, which chute jobs lists%s", name, chute.Jobs.Dir, config.Meant(name, names))}
}

// refuseUnknown refuses names that neither a job nor a run has: a job that is gone has left its runs.
func refuseUnknown(c *cobra.Command, r *ledger.Reader, names ...string) error {
	for _, name := range names {
		runs, err := r.Runs(c.Context(), ledger.Filter{Jobs: []string{name}, Limit: 1})
		if err != nil {
			return err
		}
		if len(runs) > 0 {
			continue
		}
		chute, jobs, mistakes := config.LoadSome(configFile(c))
		if chute == nil {
			return mistakes
		}
		if err := refuseNoJob(chute, jobs, mistakes, name); err != nil {
			return err
		}
	}
	return nil
}

// hasFile tells whether there is a file of a job, whatever is in it.
func hasFile(chute *config.Chute, job string) bool {
	_, err := os.Lstat(filepath.Join(chute.Jobs.Dir, job+".toml"))
	return err == nil && filepath.Base(job) == job
}

// goneHolds are the names of jobs that are held and not configured. Nobody wants them held any more, or they have another name now and aren't held.
func goneHolds(held map[string]ledger.Hold, chute *config.Chute, jobs []*config.Job) (gone []string) {
	for _, name := range slices.Sorted(maps.Keys(held)) {
		if refuseNoJob(chute, jobs, nil, name) != nil {
			gone = append(gone, name)
		}
	}
	return gone
}

// heldJobs are the holds that the ledger knows of. A list of jobs is useful without them: what keeps them from being read is only said.
func heldJobs(c *cobra.Command, chute *config.Chute) map[string]ledger.Hold {
	r, err := ledger.OpenReader(c.Context(), filepath.Join(chute.State.Dir, ledgerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var held map[string]ledger.Hold
	if err == nil {
		held, err = r.Held(c.Context())
		err = errors.Join(err, r.Close())
	}
	if err != nil {
		fmt.Fprintf(c.ErrOrStderr(), "chute: which jobs are held can't be told: %v\n", err)
	}
	return held
}

// heldText is since when and why a job is held, "" when it isn't. Who prints it escapes it, as a sentence.
func heldText(h ledger.Hold) string {
	if !h.Held() {
		return ""
	}
	return h.Since.UTC().Format(time.RFC3339) + " " + h.Reason
}
