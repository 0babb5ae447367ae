package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline/ledger"
)

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "print a script that completes chute's commands in a shell",
		Long: "Prints a script that completes commands, flags, jobs, numbers of runs, templates, statuses and keys of jobs.\n\n" +
			"  bash, with the package bash-completion:  chute completion bash > /etc/bash_completion.d/chute\n" +
			"  zsh:   chute completion zsh > \"${fpath[1]}/_chute\"\n" +
			"  fish:  chute completion fish > ~/.config/fish/completions/chute.fish",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(c *cobra.Command, args []string) error {
			print := map[string]func(io.Writer) error{
				"bash": func(w io.Writer) error { return c.Root().GenBashCompletionV2(w, true) },
				"zsh":  c.Root().GenZshCompletion,
				"fish": func(w io.Writer) error { return c.Root().GenFishCompletion(w, true) },
			}
			return print[args[0]](c.OutOrStdout())
		},
	}
}

// completer says what may stand in a place. What can't be found out, for want of a configuration or of rights, is nothing.
type completer func(c *cobra.Command) []cobra.Completion

// complete tells the shell what the arguments and flags of commands may be.
func complete(root *cobra.Command) {
	root.CompletionOptions.DisableDefaultCmd = true
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	first := map[string]completer{ // of the arguments
		"import": jobNames, "export": jobNames, "preview": jobNames, "jobs show": jobNames, "show": runNumbers, "replay": runNumbers, "templates show": templateNames, "templates copy": templateNames,
	}
	files := map[string]bool{"import": true, "preview": true} // behind the first
	flags := map[string]cobra.CompletionFunc{
		"config": cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault), "rejects": cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		"from": cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault), "out": cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		"dir": cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs), "set": completeSet, "job": several(jobNames), "store": several(storeNames),
		"status": several(anyOf(ledger.Statuses)), "kind": several(anyOf(runKinds)),
		"as": cobra.FixedCompletions([]cobra.Completion{"csv", "jsonl", "tsv"}, cobra.ShellCompDirectiveNoFileComp),
	}
	everyCommand(root, func(c *cobra.Command) {
		path := strings.TrimPrefix(c.CommandPath(), root.Name()+" ")
		if names := first[path]; names != nil {
			c.ValidArgsFunction = firstThen(names, files[path])
		}
		if path == "why" {
			c.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
		}
		for name, f := range flags {
			if flag := c.LocalFlags().Lookup(name); flag != nil && flag.Value.Type() != "bool" {
				_ = c.RegisterFlagCompletionFunc(name, f) // fails only for flags that aren't there, or are registered twice
			}
		}
	})
}

func everyCommand(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		everyCommand(sub, do)
	}
}

// firstThen completes the first argument with names, and others with files or nothing.
func firstThen(names completer, files bool) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		switch {
		case len(args) == 0:
			return names(c), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		case files:
			return nil, cobra.ShellCompDirectiveDefault
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// several completes the last of a list with commas.
func several(names completer) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		all := names(c)
		for i := range all {
			all[i] = before + all[i]
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeSet completes a key, and behind the sign its value where there are few.
func completeSet(c *cobra.Command, _ []string, typed string) (all []cobra.Completion, _ cobra.ShellCompDirective) {
	name, _, whole := strings.Cut(typed, "=")
	keys := config.JobKeys
	if c.Name() == "export" {
		keys = config.ExportKeys
	}
	for _, key := range keys() {
		switch {
		case !whole:
			all = append(all, key.Name+"=")
		case key.Name == name:
			for _, value := range key.Allowed {
				all = append(all, name+"="+value)
			}
		}
	}
	if !whole {
		return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

func anyOf[T ~string](all []T) completer {
	return func(*cobra.Command) []cobra.Completion {
		var texts []cobra.Completion
		for _, one := range all {
			texts = append(texts, string(one))
		}
		return texts
	}
}

// jobNames are those of the job files, also of files with mistakes.
func jobNames(c *cobra.Command) (names []cobra.Completion) {
	chute, err := config.LoadChute(configFile(c))
	if err != nil {
		return nil
	}
	files, err := os.ReadDir(chute.Jobs.Dir)
	if err != nil {
		return nil
	}
	for _, file := range files {
		if name, ok := strings.CutSuffix(file.Name(), ".toml"); ok && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names
}

func storeNames(c *cobra.Command) (names []cobra.Completion) {
	chute, err := config.LoadChute(configFile(c))
	if err != nil {
		return nil
	}
	for _, s := range chute.Stores {
		names = append(names, s.Name)
	}
	return names
}

func templateNames(*cobra.Command) (names []cobra.Completion) {
	for _, t := range config.Templates() {
		names = append(names, cobra.CompletionWithDesc(t.Name, t.Summary))
	}
	return names
}

// runNumbers are those of the last runs, with their files.
func runNumbers(c *cobra.Command) (numbers []cobra.Completion) {
	chute, err := config.LoadChute(configFile(c))
	if err != nil {
		return nil
	}
	r, err := ledger.OpenReader(c.Context(), filepath.Join(chute.State.Dir, ledgerFile))
	if err != nil {
		return nil
	}
	defer r.Close()
	runs, err := r.Runs(c.Context(), ledger.Filter{Limit: 20})
	if err != nil {
		return nil
	}
	for _, run := range runs {
		numbers = append(numbers, cobra.CompletionWithDesc(fmt.Sprint(run.ID), config.Shown(run.File.Name)+", "+string(run.Status)))
	}
	return numbers
}
