package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"chute/connectors"
)

// abandoned is the age from which a probe's folder is a leftover where folders can't be locked. A probe takes less than a second.
const abandoned = time.Hour

// SweepProbes removes what killed probes left in the store. Those of processes that are alive aren't touched.
func (f *Folder) SweepProbes(ctx context.Context) error {
	entries, err := f.List(ctx, f.Work)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name, probePrefix) && e.Mode.IsDir() {
			if err := f.sweepProbe(ctx, e); err != nil {
				errs = append(errs, fmt.Errorf("clear up after a killed probe: %w", err))
			}
		}
	}
	return errors.Join(errs...)
}

func (f *Folder) sweepProbe(ctx context.Context, e connectors.File) error {
	own := path.Join(f.Work, e.Name)
	fd, err := f.openDir(own)
	if err == nil {
		fd, err = reopen(fd)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	switch err := retry(func() error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) }); {
	case err == unix.EWOULDBLOCK:
		return nil
	case err != nil && time.Since(e.ModTime) < abandoned:
		return nil
	}
	left, err := f.readPlan(ctx, own)
	if err != nil {
		return err
	}
	if err := f.clearProbe(ctx, own); err != nil {
		return err
	}
	f.unmake(left.Made)
	return nil
}

// clearProbe brings the probe's file back if it is elsewhere, and removes the probe's folder.
func (f *Folder) clearProbe(ctx context.Context, own string) error {
	left, err := f.readPlan(ctx, own)
	if err != nil {
		return err
	}
	for i, name := range left.Names {
		found, err := f.mark(name)
		if err != nil || found != left.File {
			continue // it isn't there, or another one has the name; a folder that is away has nothing of ours now
		}
		if err := f.fetch(ctx, name, path.Join(own, fmt.Sprintf("%s-%d", probeFile, i)), left.File); err != nil {
			return err
		}
	}
	inside, err := f.List(ctx, own)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range inside {
		if e.Name != planFile {
			err = errors.Join(err, f.Remove(ctx, path.Join(own, e.Name)))
		}
	}
	if err != nil {
		return err
	}
	if err := f.Remove(ctx, path.Join(own, planFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.Remove(ctx, own)
}
