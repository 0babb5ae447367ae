package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"chute/config"
)

func jobsCommand() *cobra.Command {
	jobs := &cobra.Command{
		Use:   "jobs",
		Short: "list the jobs",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			chute, jobs, mistakes := config.LoadSome(configFile(c))
			if chute == nil {
				return mistakes
			}
			held := heldJobs(c, chute)
			table := newTable(c, column{name: "job"}, column{name: "kind"}, column{name: "store"}, column{name: "inbox"},
				column{name: "files"}, column{name: "table"}, column{name: "enabled"}, column{name: "held", sentence: true})
			for _, j := range jobs {
				files := j.Match.String()
				if files == "" {
					files = j.MatchRegexp.String()
				}
				err := table.add(j.Name, j.Kind, j.Store, j.Inbox, files, j.Target.Table.String(), strconv.FormatBool(j.Enabled), heldText(held[j.Name]))
				if err != nil {
					return err
				}
			}
			for _, e := range chute.Exports {
				if err := table.add(e.Name, e.Kind, e.Store, e.Outbox.String(), e.File.String(), e.Table.String(), strconv.FormatBool(e.Enabled), heldText(held[e.Name])); err != nil {
					return err
				}
			}
			if err := table.flush(); err != nil {
				return err
			}
			return mistakes
		},
	}
	jobs.AddCommand(showJobCommand())
	return jobs
}

func showJobCommand() *cobra.Command {
	var set []string
	show := &cobra.Command{
		Use:   "show JOB",
		Short: "print a job as it is in effect: with what it extends, and without comments",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hash, effective, err := config.EffectiveJob(configFile(c), args[0], set)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "# job %s, hash %s\n%s", args[0], hash, effective)
			return nil
		},
	}
	show.Flags().StringArrayVar(&set, "set", nil, "`KEY=VALUE` over the job's own; may be repeated")
	return show
}
