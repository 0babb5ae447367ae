package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"chute/connectors/chdb"
	"chute/connectors/chdb/install"
)

func engineCommand() *cobra.Command {
	engine := &cobra.Command{
		Use:   "engine",
		Short: "the embedded engine's library: where it is, and how to get it",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := chdb.Find("")
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), path)
			return nil
		},
	}
	var installer install.Installer
	get := &cobra.Command{
		Use:   "install",
		Short: "get the embedded engine's library once, through npm, and check it",
		Long: "Fetches the pinned library with the npm client, checks its hash and puts it into the user's cache. With --from it comes from a file that was " +
			"fetched elsewhere, with the same check. Put it into /usr/local/lib/chute (--dir) for a service.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := installEngine(c.Context(), installer, c.ErrOrStderr())
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "the embedded engine is ready: %s\n", path)
			return nil
		},
	}
	get.Flags().StringVar(&installer.Dir, "dir", "", "the `FOLDER` to put it in (default: the user's cache)")
	get.Flags().StringVar(&installer.From, "from", "", "a package (.tgz) or library `FILE` instead of a download")
	engine.AddCommand(get)
	return engine
}

// installEngine installs the library and shows on w how far it is.
func installEngine(ctx context.Context, installer install.Installer, w io.Writer) (string, error) {
	progress, done := progressBar(w, "embedded engine "+install.Version)
	defer done()
	installer.Progress = progress
	return installer.Install(ctx)
}

// progressBar shows bytes done: a bar on a terminal, elsewhere a line now and then. done ends it.
func progressBar(w io.Writer, title string) (progress func(bytes, total int64), done func()) {
	if !terminal(w) {
		return progressLines(w, title), func() {}
	}
	bars := mpb.New(mpb.WithOutput(w))
	bar := bars.AddBar(0, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(title+" ")),
		mpb.AppendDecorators(decor.CountersKibiByte("% .0f / % .0f"), decor.Name(" "), decor.Elapsed(decor.ET_STYLE_GO)))
	progress = func(bytes, total int64) {
		bar.SetTotal(max(total, bytes+1), false)
		bar.SetCurrent(bytes)
	}
	return progress, func() { bar.Abort(true); bars.Wait() }
}

// progressLines writes a line whenever another 100 MiB are done: enough for a log, not too much.
func progressLines(w io.Writer, title string) func(bytes, total int64) {
	const every = 100 << 20
	next := int64(every)
	return func(bytes, _ int64) {
		if bytes < next-every { // the next step began from zero
			next = every
		}
		if bytes >= next {
			fmt.Fprintf(w, "%s: %d MiB\n", title, bytes>>20)
			next += every
		}
	}
}
