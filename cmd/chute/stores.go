package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/connectors/local"
	"chute/connectors/sftp"
	"chute/pipeline"
)

// spoolFolder, in the state's, has the copies of files from SFTP servers while they are loaded; rememberedFolder is the work folder for what comes
// out of files that stay in their inbox.
const (
	spoolFolder      = "spool"
	rememberedFolder = "remembered"
)

// openStores doesn't ask that the stores are there: a mount or a server that comes late is waited for, and the watcher says so.
func (d *daemon) openStores() error {
	for _, s := range d.config.Stores {
		if d.stores[s.Name] != nil {
			continue // of an earlier reading
		}
		folder, err := openStore(&d.connections, &s, d.config.Limits)
		if err != nil {
			return fmt.Errorf("store %q: %w", s.Name, err)
		}
		d.stores[s.Name] = folder
	}
	return nil
}

func openStore(connections *sftp.Pool, s *config.Store, limits config.Limits) (connectors.Folder, error) {
	if s.Remote() {
		return openServerStore(connections, s, limits)
	}
	return local.New(s.Path, s.Work)
}

// leastListing is what a listing may take in any case: 100,000 entries with names of usual length.
const leastListing = 48 << 20

// openServerStore connects to nothing yet. Secrets are read at each login, so that new ones are found.
func openServerStore(connections *sftp.Pool, s *config.Store, limits config.Limits) (*sftp.Folder, error) {
	c := sftp.Config{
		Host: s.SFTP.Host, Port: s.SFTP.Port, User: s.SFTP.User, Root: s.SFTP.Root, Work: s.Work,
		Fingerprints: s.HostKey, Certificate: s.Certificate, Agent: s.Agent,
		Secrets:     fmt.Sprint(s.PrivateKey, s.Passphrase, s.Password),
		DialTimeout: time.Duration(s.ConnectTimeout), Timeout: time.Duration(s.Timeout),
		ListBytes: max(int64(limits.Memory)/4, leastListing),
	}
	if s.KnownHosts != "" {
		c.KnownHosts = []string{s.KnownHosts}
	}
	for _, secret := range []struct {
		from config.Secret
		to   *func() (string, error)
	}{{s.PrivateKey, &c.PrivateKey}, {s.Passphrase, &c.Passphrase}, {s.Password, &c.Password}} {
		if !secret.from.IsZero() {
			*secret.to = secret.from.Read
		}
	}
	return connections.New(c)
}

// closeStores ends the connections of those that have any.
func closeStores(stores map[string]connectors.Folder) error {
	var errs []error
	for _, store := range stores {
		if c, ok := store.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// place is where a store is, for people.
func place(s *config.Store) string {
	if s.Remote() {
		return s.SFTP.String()
	}
	return s.Path
}

// sweepProbes removes what a check left that was killed. Stores on servers do it themselves.
func (d *daemon) sweepProbes(ctx context.Context) {
	for name, store := range d.stores {
		folder, ok := store.(*local.Folder)
		if !ok {
			continue
		}
		if err := folder.SweepProbes(ctx); err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.log.Warn().Err(err).Str("store", name).Msg("what a killed check left can't be removed now")
		}
	}
}

// settleLonger gives a job without a settle of its own the default for where its store lies.
func (d *daemon) settleLonger(job *config.Job) {
	if job.SettleGiven {
		return
	}
	folder, ok := d.stores[job.Store].(*local.Folder)
	if !ok {
		job.Settle = config.Duration(time.Minute)
		return
	}
	kind, network, err := folder.Network()
	if err != nil || !network {
		return // a store that isn't there now is looked at by the watcher
	}
	job.Settle = config.Duration(time.Minute)
	d.log.Info().Str("job", job.Name).Str("files", kind).Msg("files on a network file system: settle is 60s unless the job says otherwise")
}

// unhurried tells whether what lies in a store is looked at when a job has something to do there, and not before: the start waits for no server, and a reload
// for no store.
func (d *daemon) unhurried(store string) bool {
	return d.config.Store(store).Remote() || d.fresh[store]
}

// sweep returns what removes, once, the work folders that a crash left in a job's store. Of an unhurried store it also decides about what its ledger
// doesn't know there: for others that is done at the start.
func (d *daemon) sweep(im *pipeline.Importer) func(context.Context) {
	swept := false
	return func(ctx context.Context) {
		if swept {
			return
		}
		if s := d.config.Store(im.Job.Store); d.unhurried(s.Name) {
			d.decideLate(ctx, s)
		}
		if err := im.Sweep(ctx); err != nil {
			d.log.Warn().Err(err).Str("job", im.Job.Name).Msg("old work folders can't be looked at now")
			return
		}
		swept = true
	}
}

// sweptFirst does the sweeping of a store that may take long to answer when its job has something to do: the start waits for no server.
func sweptFirst[T any](sweep func(context.Context), do func(context.Context, []T) []connectors.Verdict) func(context.Context, []T) []connectors.Verdict {
	return func(ctx context.Context, of []T) []connectors.Verdict {
		sweep(ctx)
		return do(ctx, of)
	}
}

// seen returns what tells which files of an inbox a job has taken already, for one that leaves them there.
func (d *daemon) seen(job *config.Job) func(context.Context, []connectors.File) ([]bool, error) {
	if job.Claim != "remember" {
		return nil
	}
	return func(ctx context.Context, files []connectors.File) ([]bool, error) {
		return pipeline.Seen(ctx, d.ledger, job.Store, job.Inbox, job.Name, files)
	}
}

// openSpool opens, once, the state's folders for what comes from stores and out of them, and removes copies that nobody needs any more.
func (d *daemon) openSpool(ctx context.Context) (err error) {
	d.spooling.Lock()
	defer d.spooling.Unlock()
	if d.spool != nil {
		return nil
	}
	spool := &pipeline.Spool{Dir: filepath.Join(d.config.State.Dir, spoolFolder), Room: func(ctx context.Context) (int64, error) {
		free, err := folderAt(d.config.State.Dir).Free(ctx)
		return free - int64(d.config.Limits.MinFree), err
	}}
	if err := spool.Open(); err != nil {
		return err
	}
	if d.state, err = local.Open(d.config.State.Dir, rememberedFolder); err != nil {
		return err
	}
	if err := spool.Sweep(ctx, d.ledger); err != nil {
		return err
	}
	d.spool = spool
	return nil
}

// enoughRoom tells why nothing may be claimed in a place: it is nearly full, or that can't be told. Not every server tells how full it is.
func (d *daemon) enoughRoom(ctx context.Context, name string, folder connectors.Folder) error {
	sizer, ok := folder.(connectors.Sizer)
	if !ok {
		return nil
	}
	free, err := sizer.Free(ctx)
	if err != nil {
		return err
	}
	if free < int64(d.config.Limits.MinFree) {
		return fmt.Errorf("%s has %s left, less than limits.min_free = %s", name, config.Size(free), d.config.Limits.MinFree)
	}
	return nil
}
