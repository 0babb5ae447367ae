package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"chute/config"
)

func jobsCommand() *cobra.Command {
	jobs := &cobra.Command{
		Use:   "jobs",
		Short: "list the jobs",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, jobs, err := config.Load(configFile(c))
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "job\tkind\tstore\tinbox\tfiles\ttable\tenabled")
			for _, j := range jobs {
				files := j.Match.String()
				if files == "" {
					files = j.MatchRegexp.String()
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%t\n", j.Name, j.Kind, j.Store, j.Inbox, files, j.Target.Table, j.Enabled)
			}
			return table.Flush()
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
			_, job, err := config.LoadJob(configFile(c), args[0], set)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "# job %s, hash %s\n%s", job.Name, job.Hash, job.Effective)
			return nil
		},
	}
	show.Flags().StringArrayVar(&set, "set", nil, "`KEY=VALUE` over the job's own; may be repeated")
	return show
}
