package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"chute/config"
)

func templatesCommand() *cobra.Command {
	templates := &cobra.Command{
		Use:   "templates",
		Short: "list the built-in templates",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			table := newTable(c, column{name: "template"}, column{name: "what it is"})
			for _, t := range config.Templates() {
				if err := table.add(t.Name, t.Summary); err != nil {
					return err
				}
			}
			return table.flush()
		},
	}
	show := &cobra.Command{
		Use:   "show NAME",
		Short: "print a template",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := template(args[0])
			if err != nil {
				return err
			}
			fmt.Fprint(c.OutOrStdout(), t.Text)
			return nil
		},
	}
	templates.AddCommand(show, copyCommand())
	return templates
}

func copyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "copy NAME JOB",
		Short: "make a job file of a template, to be edited",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := template(args[0])
			if err != nil {
				return err
			}
			if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`).MatchString(args[1]) {
				return &exit{exitUsage, fmt.Sprintf("%q isn't a job's name: letters, digits, dots, dashes and underscores", args[1])}
			}
			if _, ok := config.FindTemplate(args[1]); ok {
				return &exit{exitUsage, fmt.Sprintf("%q is a built-in template's name; choose another one for the job", args[1])}
			}
			dir, err := config.JobsFolder(configFile(c))
			if err != nil {
				return err
			}
			return writeNew(c, filepath.Join(dir, args[1]+".toml"), t)
		},
	}
}

func template(name string) (config.Template, error) {
	t, ok := config.FindTemplate(name)
	if !ok {
		return t, &exit{exitUsage, fmt.Sprintf("there is no template %q; chute templates lists them", name)}
	}
	return t, nil
}

// writeNew writes a file that must not exist yet.
func writeNew(c *cobra.Command, file string, t config.Template) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already; nothing was written", file)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(t.Text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	fmt.Fprintf(c.OutOrStdout(), "wrote %s; edit it before chute is started or reloaded, for until then the configuration isn't valid: %s at least\n", file, t.Wants)
	return nil
}
