package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors/native"
	"chute/pipeline"
	"chute/pipeline/report"
)

func previewCommand() *cobra.Command {
	p := &previewing{}
	var set []string
	var rejects string
	c := &cobra.Command{
		Use:   "preview JOB FILE…",
		Short: "do all of a run but the writing, and show what would become of the files",
		Long: "Reads, converts and judges files as an import would, and changes nothing: neither table nor ledger nor folders. Shows the first accepted records, why others " +
			"would be refused, the counts, the verdict and the statements. With --all it prints all accepted records and nothing else. Files may be anywhere, also in done/.\n\n" +
			"Exit codes, as import would have them: 0 would be loaded (or skipped), 2 loaded with rejects, 3 a file rejected, 1 technical failure, 64 usage, 78 configuration.",
		Args:        cobra.MinimumNArgs(2),
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, args []string) error {
			if err := p.check(c); err != nil {
				return err
			}
			chute, job, err := config.LoadJob(configFile(c), args[0], set)
			if err != nil {
				return err
			}
			return withState(c, chute, []*config.Job{job}, func(d *daemon) error { return d.previewFiles(c, p, job, args[1:], rejects) })
		},
	}
	c.Flags().StringArrayVar(&set, "set", nil, "`KEY=VALUE` over the job's own, like --set format.delimiter=';'; may be repeated")
	c.Flags().IntVar(&p.records, "records", 10, "how many of the accepted records to show: `N`")
	c.Flags().BoolVar(&p.all, "all", false, "print all accepted records, and nothing else, on standard output")
	c.Flags().StringVar(&p.as, "as", "", "with --all, how to print them: `FORMAT` is csv (the default), jsonl or tsv")
	c.Flags().StringVar(&rejects, "rejects", "", "`FILE` for the reasons of all refused records, as JSON lines")
	c.Flags().BoolVar(&p.secrets, "show-secrets", false, "print the values of secret columns too, instead of •••")
	return c
}

// previewing is what was asked for, and what was begun to be printed.
type previewing struct {
	records int
	all     bool
	as      string
	secrets bool

	out     io.Writer
	reasons io.Writer
	printed *pipeline.Printing // with all: of the first file that had records
	columns []native.Column    // of printed
}

func (p *previewing) check(c *cobra.Command) error {
	switch {
	case p.records < 0:
		return &exit{exitUsage, "--records must be 0 or more"}
	case p.as != "" && !p.all:
		return &exit{exitUsage, "--as is for --all: it says how all records are printed"}
	case p.all && c.Flags().Changed("records"):
		return &exit{exitUsage, "--records doesn't go with --all"}
	case p.all && p.as == "":
		p.as = "csv"
	}
	return checkAs(p.as, "csv", "jsonl", "tsv")
}

// previewFiles looks at each file and leaves with the worst result's code.
func (d *daemon) previewFiles(c *cobra.Command, p *previewing, job *config.Job, files []string, rejects string) (err error) {
	im, err := d.handImporter(job, "")
	if err != nil {
		return err
	}
	im.Log = newLog(c.ErrOrStderr())
	p.out = c.OutOrStdout()
	if rejects != "" {
		f, err := os.OpenFile(callerOf(c).path(rejects), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // it holds values of records
		if errors.Is(err, fs.ErrExist) {
			return &exit{exitUsage, fmt.Sprintf("--rejects %q: there is something of that name, which preview doesn't replace: give another name", rejects)}
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		p.reasons = f
	}
	worst := exitFinished
	for i, name := range files {
		if i > 0 && !p.all {
			fmt.Fprintln(p.out)
		}
		code, err := p.previewFile(c, im, name)
		if err != nil {
			fmt.Fprintf(c.ErrOrStderr(), "chute: %q: %s\n", name, said(err.Error()))
		}
		worst = worse(worst, code)
	}
	if worst != exitFinished {
		return &exit{code: worst}
	}
	return nil
}

func (p *previewing) previewFile(c *cobra.Command, im *pipeline.Importer, name string) (code int, err error) {
	file, err := fileByHand(c, im, name)
	if err != nil {
		return exitFailed, err
	}
	look := pipeline.Look{Reasons: p.reasons, Each: p.printAll(im.Job)}
	var first *sample
	if !p.all {
		first = &sample{command: c, left: p.records, hidden: p.hides(im.Job)}
		look.Each = first.take
	}
	seen, err := im.Preview(c.Context(), file, look)
	if err == nil && first != nil {
		err = first.flush()
	}
	if err != nil {
		return exitFailed, err
	}
	if p.all {
		counts := seen.Report.Counts
		fmt.Fprintf(c.ErrOrStderr(), "%q: would be %s: %d records, %d accepted, %d refused\n", file.Name, seen.Report.Result, counts.Total, counts.Success, counts.Rejects)
	} else if _, err := p.out.Write(seen.Report.Foretold(seen.Statements, seen.Unjudged)); err != nil {
		return exitFailed, err
	}
	return map[report.Result]int{report.LoadedWithRejects: exitWithRejects, report.Rejected: exitRejected}[seen.Report.Result], nil
}

// hides tells which columns are secret.
func (p *previewing) hides(job *config.Job) func(column string) bool {
	return func(column string) bool {
		return !p.secrets && slices.ContainsFunc(job.Columns, func(c config.Column) bool { return c.Name == column && c.Secret })
	}
}

// printAll prints every accepted record of every file. In csv and tsv all files must have the same columns, for one header goes for all.
func (p *previewing) printAll(job *config.Job) func([]native.Column, *native.Block) error {
	return func(columns []native.Column, block *native.Block) error {
		same := slices.EqualFunc(p.columns, columns, func(a, b native.Column) bool { return a.Name == b.Name && a.Type.Equal(b.Type) })
		if p.printed == nil || !same {
			if p.printed != nil && p.as != "jsonl" {
				return errors.New("its columns aren't those of the file before, whose header stands above all: preview it by itself, or with --as jsonl")
			}
			printed, err := pipeline.NewPrinting(p.as, columns, time.UTC, p.hides(job))
			if err == nil {
				err = printed.Head(p.out)
			}
			if err != nil {
				return err
			}
			p.printed, p.columns = printed, slices.Clone(columns)
		}
		return p.printed.Write(p.out, block)
	}
}

// sample is a table of the first accepted records of a file.
type sample struct {
	command *cobra.Command
	left    int
	hidden  func(column string) bool
	table   *valueTable
}

func (s *sample) take(columns []native.Column, block *native.Block) (err error) {
	if s.left == 0 || block.Rows == 0 {
		return nil
	}
	if s.table == nil {
		if s.table, err = newValueTable(s.command, columns, nil, s.hidden); err != nil {
			return err
		}
	}
	n := min(s.left, block.Rows)
	s.left -= n
	return s.table.take(block, n)
}

func (s *sample) flush() error {
	if s.table == nil {
		return nil
	}
	if err := s.table.flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.command.OutOrStdout())
	return err
}
