package main

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"chute/watcher/control"
)

// caller is who gave a command: the command line of this process, or another process whose request the owner of the state answers.
type caller struct {
	request control.Request
	owner   *daemon // this process, when it answers for another one
}

type callerKey struct{}

func withCaller(ctx context.Context, who caller) context.Context {
	return context.WithValue(ctx, callerKey{}, who)
}

func callerOf(c *cobra.Command) caller {
	who, _ := c.Context().Value(callerKey{}).(caller) // tests that call a command directly have none
	return who
}

// here is the caller of this process's own command line.
func here(args []string, stdout, stderr io.Writer) caller {
	dir, err := os.Getwd()
	if err != nil {
		dir = "/" // a folder that was removed: names are meant to be absolute then
	}
	r := control.Request{Args: args, Dir: dir, Terminal: terminal(stdout), Progress: terminal(stderr)}
	switch {
	case r.Terminal:
		r.Width = width(stdout.(*os.File))
	case r.Progress:
		r.Width = width(stderr.(*os.File))
	}
	return caller{request: r}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func width(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return 80
	}
	return int(size.Col)
}

// path is a file or folder as the caller means it.
func (who caller) path(name string) string {
	if filepath.IsAbs(name) || who.owner == nil {
		return name
	}
	return filepath.Join(who.request.Dir, name)
}
