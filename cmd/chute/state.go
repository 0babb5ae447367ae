package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"chute/config"
	"chute/watcher/control"
)

// servedByOwner marks commands that the state's owner runs for others.
var servedByOwner = map[string]string{"owner": "may run this for others"}

// ownerTime is how long a command tries to get the state from a process that neither takes requests nor lets go of it.
const ownerTime = 10 * time.Second

// withState does something that only the owner of the state can do. When the state is free, this process owns it for that time;
// otherwise the whole command is handed to its owner, and what it answers is printed.
func withState(c *cobra.Command, chute *config.Chute, jobs []*config.Job, do func(d *daemon) error) error {
	who := callerOf(c)
	if who.owner != nil {
		if err := who.owner.sameWorld(chute); err != nil {
			return err
		}
		return do(who.owner)
	}
	ctx := c.Context()
	late, cancel := context.WithTimeout(ctx, ownerTime)
	defer cancel()
	for {
		d, err := openDaemon(ctx, chute, jobs, newLog(c.ErrOrStderr()))
		if err == nil {
			err = d.serveDuring(ctx, func() error { return do(d) })
			return errors.Join(err, d.Close())
		}
		if !errors.Is(err, control.ErrOwned) {
			return err
		}
		if done, err := askOwner(c, chute.State.Dir); done {
			return err
		}
		select { // the owner is starting or ending
		case <-late.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// refuseRoot keeps root from owning another user's state, before anything is touched: that user could neither write what root had made there, nor read the
// files that it had moved. The error is another one while somebody owns the state, who can be asked.
func refuseRoot(dir string) error {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil || st.Uid == 0 || os.Geteuid() != 0 {
		return nil // what is wrong with a folder, who opens it says
	}
	if err := control.Free(dir); err != nil {
		return err
	}
	name := userName(st.Uid)
	as := "runuser -u " + name
	if name == fmt.Sprintf("user %d", st.Uid) { // it has no name
		as = fmt.Sprintf("setpriv --reuid %d --regid %d --clear-groups", st.Uid, st.Gid)
	}
	return &exit{exitConfig, fmt.Sprintf("the state folder %s belongs to %s, who couldn't use what root makes there, and no daemon runs that could be asked: "+
		"do it as that user, with `%s -- chute …`", dir, name, as)}
}

// refuseLedger says whose the ledger is when this process may not write to it: SQLite says of every such file only that it can't be opened.
func refuseLedger(dir string) error {
	for _, end := range []string{"", "-wal", "-shm"} {
		name := filepath.Join(dir, ledgerFile) + end
		var st unix.Stat_t
		if err := unix.Access(name, unix.R_OK|unix.W_OK); errors.Is(err, fs.ErrPermission) && unix.Stat(name, &st) == nil {
			return fmt.Errorf("%s belongs to %s, and %s may not write to it: give it to the user that chute runs as, with `chown --reference=%s %s`",
				name, userName(st.Uid), userName(uint32(os.Geteuid())), shell(dir), shell(name))
		}
	}
	return nil
}

// askOwner hands the whole command to the owner of the state and prints what it answers. It isn't done when nobody took it.
func askOwner(c *cobra.Command, dir string) (done bool, err error) {
	code, err := control.Call(c.Context(), dir, callerOf(c).request, c.OutOrStdout(), c.ErrOrStderr())
	switch {
	case errors.Is(err, control.ErrNobody):
		return false, nil
	case err == nil && code != exitFinished:
		return true, &exit{code: code}
	}
	return true, err
}

// sameWorld refuses a command whose configuration means another state or database than this process has open.
func (d *daemon) sameWorld(c *config.Chute) error {
	if c.State.Dir != d.config.State.Dir {
		return fmt.Errorf("the configuration names the state %s, this process owns %s", c.State.Dir, d.config.State.Dir)
	}
	if !reflect.DeepEqual(c.Database, d.config.Database) {
		return errors.New("[database] was changed since the process that owns the state was started: restart it")
	}
	return nil
}

// serveDuring answers other processes' requests while do is running, and those begun until they are through.
func (d *daemon) serveDuring(ctx context.Context, do func() error) error {
	stop, served := make(chan struct{}), make(chan struct{})
	server := &control.Server{Dir: d.config.State.Dir, Handle: d.answer, Log: d.log, Stop: stop}
	go func() {
		defer close(served)
		if err := server.Serve(ctx); err != nil {
			d.log.Error().Err(err).Msg("commands of other processes can't be answered")
		}
	}()
	err := do()
	close(stop)
	<-served
	return err
}

// answer runs another process's command in this one.
func (d *daemon) answer(ctx context.Context, r control.Request, stdout, stderr io.Writer) int {
	return execute(withCaller(ctx, caller{request: r, owner: d.now()}), r.Args, strings.NewReader(""), stdout, stderr)
}

// refuseForOthers keeps commands that have nothing to do with the state's owner out of its process.
func refuseForOthers(c *cobra.Command, _ []string) error {
	if callerOf(c).owner != nil && c.Annotations["owner"] == "" {
		return &exit{exitUsage, fmt.Sprintf("%q isn't a command for the owner of the state", c.CommandPath())}
	}
	return nil
}
