package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"chute/pipeline/ledger"
)

// Spool is a folder of this machine to which files are copied from stores that are far away, before they are read: DIR/RUN.part while a copy
// is being made, with DIR/RUN.upto telling how far it has come, and DIR/RUN/NAME when it is whole. Nothing in it is synced: a copy survives the death of
// the process, and after a start of the machine it is made again.
type Spool struct {
	Dir  string
	Room func(ctx context.Context) (int64, error) // bytes that may be written before too little room is left; nil: nobody asks
}

// bootFile, in the spool, says which start of the machine its copies are from.
const bootFile = "boot"

// What stands behind a run's number while its file is being copied.
const (
	partSuffix = ".part"
	uptoSuffix = ".upto"
)

// bootID is where the kernel gives each of its starts a name.
const bootID = "/proc/sys/kernel/random/boot_id"

// Open makes the folder where it is missing, and empties it when the machine was started anew: what wasn't synced may be full of holes then.
func (s *Spool) Open() error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("make the spool: %w", err)
	}
	boot, err := os.ReadFile(bootID)
	if err != nil {
		boot = nil // then no start is known to be the one before
	}
	mark := filepath.Join(s.Dir, bootFile)
	if had, err := os.ReadFile(mark); err == nil && len(boot) > 0 && string(had) == string(boot) {
		return nil
	}
	if err := s.removeAll(func(string) bool { return true }); err != nil {
		return err
	}
	return writeSynced(mark, boot)
}

// writeSynced writes a file that a power cut doesn't undo.
func writeSynced(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("mark the spool: %w", err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("mark the spool: %w", err)
	}
	return nil
}

// Sweep removes the copies for runs that are through, or that the ledger doesn't know.
func (s *Spool) Sweep(ctx context.Context, l *ledger.Ledger) error {
	unsettled, err := l.Unsettled(ctx)
	if err != nil {
		return err
	}
	wanted := map[string]bool{bootFile: true}
	for _, r := range unsettled {
		for _, suffix := range []string{"", partSuffix, uptoSuffix} {
			wanted[s.base(r.ID)+suffix] = true
		}
	}
	return s.removeAll(func(name string) bool { return !wanted[name] })
}

func (s *Spool) removeAll(which func(name string) bool) error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return fmt.Errorf("look at the spool: %w", err)
	}
	for _, e := range entries {
		if which(e.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.Dir, e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("tidy the spool: %w", err)
	}
	return nil
}

func (s *Spool) base(run uint64) string { return strconv.FormatUint(run, 10) }

// name is where the whole copy of a run's file is. The border has checked that the file's name is a name.
func (s *Spool) name(run ledger.Run) (string, error) {
	if strings.ContainsAny(run.File.Name, "/\x00") || !filepath.IsLocal(run.File.Name) {
		return "", fmt.Errorf("%q is no name for a file: %w", run.File.Name, fs.ErrInvalid)
	}
	return filepath.Join(s.Dir, s.base(run.ID), run.File.Name), nil
}

// has tells whether the whole copy of a run's file is there.
func (s *Spool) has(run ledger.Run) (bool, error) {
	name, err := s.name(run)
	if err != nil {
		return false, err
	}
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Mode().IsRegular() && info.Size() == run.File.Size, err
}

// open opens the copy of a run's file.
func (s *Spool) open(run ledger.Run) (*os.File, error) {
	name, err := s.name(run)
	if err != nil {
		return nil, err
	}
	return os.Open(name)
}

// remove gives the room of a run's copy back.
func (s *Spool) remove(run uint64) error {
	dir := filepath.Join(s.Dir, s.base(run))
	return errors.Join(os.RemoveAll(dir+partSuffix), os.RemoveAll(dir+uptoSuffix), os.RemoveAll(dir))
}
