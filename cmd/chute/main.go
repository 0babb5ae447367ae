// Command chute turns drop folders into ClickHouse tables. Each command has a file of its own; daemon.go is the place where the
// packages are joined.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"

	"chute/config"
	"chute/pipeline/ledger"
)

// Exit codes, the same for all commands.
const (
	exitFinished    = 0  // finished, or skipped as loaded before
	exitFailed      = 1  // technical failure: worth trying again
	exitWithRejects = 2  // finished, and some records were refused
	exitRejected    = 3  // the file was rejected
	exitUsage       = 64 // the command line is wrong
	exitConfig      = 78 // the configuration is wrong, or the ledger is damaged: systemd doesn't restart on it
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away, as head does, is an error like others: what runs is ended in order
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// exit is an error that says which code to leave with. With text "" everything has been said already.
type exit struct {
	code int
	text string
}

func (e *exit) Error() string { return e.text }

// run is chute without the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return execute(withCaller(ctx, here(args, stdout, stderr)), args, stdin, stdout, stderr)
}

func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := command()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitFinished
	}
	code := codeOf(err)
	if errors.Is(err, syscall.EPIPE) {
		return code // whoever closed the pipe has read enough
	}
	if err.Error() != "" {
		fmt.Fprintln(stderr, printable(indentProblems(err)))
	}
	return code
}

func codeOf(err error) int {
	var e *exit
	var problems config.Problems
	switch {
	case errors.As(err, &e):
		return e.code
	case errors.As(err, &problems), ledger.Unusable(err):
		return exitConfig
	}
	return exitFailed
}

// printable escapes what would command a terminal. Errors name files, and names are whatever a partner made them.
func printable(text string) string {
	var b strings.Builder
	for _, c := range text {
		if unicode.IsPrint(c) || c == '\n' || c == '\t' {
			b.WriteRune(c)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
	}
	return b.String()
}

// indentProblems prints one error on its line, and a list of problems as a list.
func indentProblems(err error) string {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return "chute: " + err.Error()
	}
	return fmt.Sprintf("chute: the configuration has %d problem(s):\n%s", len(problems), strings.TrimRight(problems.Error(), "\n"))
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "chute",
		Short:         "chute turns drop folders into ClickHouse tables",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
	}
	root.PersistentFlags().String("config", "/etc/chute/chute.toml", "the configuration `FILE`")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exit{exitUsage, err.Error()} })
	root.AddCommand(runCommand(), importCommand(), previewCommand(), queryCommand(), checkCommand(), statusCommand(), whyCommand(), runsCommand(), showCommand(), jobsCommand(), holdCommand(), releaseCommand(), pauseCommand(), resumeCommand(), cancelCommand(), retryCommand(), rejectCommand(), demoCommand(), engineCommand(), ledgerCommand(), adoptCommand(), auditCommand(), replayCommand(), templatesCommand(), benchCommand(), completionCommand())
	root.AddCommand(exportCommand())
	root.AddCommand(reloadCommand(), installCommand())
	complete(root)
	root.PersistentPreRunE = refuseForOthers
	for _, c := range root.Commands() {
		usageErrors(c)
	}
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &exit{exitUsage, fmt.Sprintf("unknown command %q; chute --help lists them", args[0])}
		}
		return c.Help()
	}
	root.Args = cobra.ArbitraryArgs
	return root
}

// usageErrors gives wrong arguments their exit code.
func usageErrors(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &exit{exitUsage, fmt.Sprintf("%v\nusage: %s", err, c.UseLine())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		usageErrors(sub)
	}
}

func configFile(c *cobra.Command) string {
	file, _ := c.Flags().GetString("config") // always defined
	return callerOf(c).path(file)
}
