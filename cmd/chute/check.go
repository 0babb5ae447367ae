package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/connectors/local"
	"chute/connectors/sftp"
	"chute/watcher/control"
)

func checkCommand() *cobra.Command {
	var folders, probe, asJSON bool
	c := &cobra.Command{
		Use:   "check",
		Short: "try whether everything that the configuration names can be used, and say how to mend what can't",
		Long: "Reads the configuration as it is on the disk now and tries everything that it names: folders by real renames (on SFTP servers only with --probe, else by listing them), databases by logging in, tables by comparing " +
			"them with their jobs and by making and dropping an empty staging table. Nothing of that stays. While a daemon owns the state, it does the checking, with its " +
			"user, its view of the disk and its open engine.\n\nExit codes: 0 nothing keeps files from being loaded (there may be warnings), 1 something does, 78 the configuration can't be read.",
		Args:        cobra.NoArgs,
		Annotations: servedByOwner,
		RunE: func(c *cobra.Command, _ []string) error {
			tell := printText
			if asJSON {
				tell = printJSON
			}
			file, err := filepath.Abs(configFile(c))
			if err != nil {
				return err
			}
			chute, jobs, err := config.Load(file)
			var problems config.Problems
			if errors.As(err, &problems) && asJSON {
				return errors.Join(printJSON(c.OutOrStdout(), file, invalid(problems)), &exit{code: exitConfig})
			}
			if err != nil {
				return err
			}
			if done, err := handOver(c, chute.State.Dir); done || err != nil {
				return err
			}
			i := &inspection{config: chute, file: file, jobs: jobs, owner: callerOf(c).owner, probe: probe}
			i.all(c.Context(), folders)
			if err := context.Cause(c.Context()); err != nil {
				return err // what was broken off says nothing
			}
			if err := tell(c.OutOrStdout(), i.file, i.findings); err != nil {
				return err
			}
			if worst(i.findings) == levelProblem {
				return &exit{code: exitFailed}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&folders, "folders", false, "only the configuration, the state's folder, the stores and their folders: no database is needed")
	c.Flags().BoolVar(&probe, "probe", false, "try on SFTP servers too, by files that are removed again, whether files can be made and renamed, and print what each server can do")
	c.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	return c
}

// handOver has the owner of the state run the command, if there is one.
func handOver(c *cobra.Command, dir string) (done bool, err error) {
	if callerOf(c).owner != nil {
		return false, nil
	}
	late, cancel := context.WithTimeout(c.Context(), ownerTime)
	defer cancel()
	for {
		owned, err := control.Owned(dir)
		if !owned || errors.Is(err, fs.ErrPermission) {
			return false, nil // what can't be looked at is said by the check itself
		}
		if err != nil {
			return false, err
		}
		if done, err := askOwner(c, dir); done {
			return true, err
		}
		select { // the owner is starting or ending
		case <-late.Done():
			return false, fmt.Errorf("the process that owns %s takes no requests: wait until it has ended, or stop it", dir)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// inspection is one check of the world.
type inspection struct {
	config   *config.Chute
	file     string
	jobs     []*config.Job
	owner    *daemon // this process, when it checks for another one
	probe    bool    // files are made on SFTP servers too
	findings []finding

	connections sftp.Pool // to servers of stores
}

func (i *inspection) all(ctx context.Context, onlyFolders bool) {
	i.fine("configuration", i.file, "%s, %s", count(len(i.jobs)+len(i.config.Exports), "job"), count(len(i.config.Stores), "store"))
	i.state(ctx)
	i.stores(ctx)
	i.forsakenFiles(ctx)
	i.goneHolds(ctx)
	i.overlaps()
	i.deliveries()
	i.renamedJobs(ctx)
	i.schedules(time.Now())
	if onlyFolders {
		return
	}
	if i.config.Database.Engine == "clickhouse" {
		i.servers(ctx)
	} else {
		i.embedded(ctx)
	}
}

// add takes a finding down. What is the matter with drafts alone is no problem yet.
func (i *inspection) add(f finding) {
	f.blocks = f.Level == levelProblem
	if f.blocks && len(f.Jobs) > 0 && !i.enabled(f.Jobs) {
		f.Level, f.Text = levelWarning, f.Text+" (no job that is enabled needs it)"
	}
	i.findings = append(i.findings, f)
}

func (i *inspection) fine(kind, subject, format string, args ...any) {
	i.add(finding{Level: levelOK, Kind: kind, Subject: subject, Code: "ok", Text: fmt.Sprintf(format, args...)})
}

// bad takes down a problem or, when err is nil, nothing. It tells whether there was one.
func (i *inspection) bad(f finding, err error) bool {
	if err == nil {
		return false
	}
	f.Level = levelProblem
	if f.Text != "" {
		f.Text += ": "
	}
	f.Text += err.Error()
	i.add(f)
	return true
}

// settle says that all is well about a subject, unless something keeps it from being used.
func (i *inspection) settle(f finding, format string, args ...any) {
	if !slices.ContainsFunc(i.findings, func(g finding) bool {
		return g.Kind == f.Kind && g.Subject == f.Subject && (g.blocks || g.Level == levelOK)
	}) {
		f.Level, f.Code, f.Text, f.Mend = levelOK, "ok", fmt.Sprintf(format, args...), ""
		i.add(f)
	}
}

// invalid makes findings of a configuration that can't be read.
func invalid(problems config.Problems) (found []finding) {
	for _, p := range problems {
		found = append(found, finding{
			Level: levelInvalid, Kind: "configuration", Subject: p.File, Code: "configuration_invalid", Text: p.Message,
			File: p.File, Line: p.Line, Column: p.Column, Key: p.Key,
		})
	}
	return found
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// userName is the name of a user for people.
func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "user " + id
}

// enough tells of a file system with too little room left.
func (i *inspection) enough(ctx context.Context, f finding, place *local.Folder) (free config.Size) {
	bytes, err := place.Free(ctx)
	if i.bad(withCode(f, "room_unknown"), err) {
		return 0
	}
	if bytes < int64(i.config.Limits.MinFree) {
		f.Level, f.Code = levelProblem, "no_room"
		f.Text = fmt.Sprintf("%s left, less than limits.min_free = %s: no new file is claimed", roughly(bytes), i.config.Limits.MinFree)
		f.Mend = "make room, or lower limits.min_free"
		i.add(f)
	}
	return roughly(bytes)
}

// roughly is a size in whole units.
func roughly(bytes int64) config.Size {
	for unit := int64(1 << 40); unit > 1; unit >>= 10 {
		if bytes >= unit {
			return config.Size(bytes / unit * unit)
		}
	}
	return config.Size(bytes)
}

func withCode(f finding, code string) finding {
	f.Code = code
	return f
}
