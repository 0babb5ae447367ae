package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"chute/connectors/local"
)

// openOut opens the folder that somebody wants results in.
func openOut(dir, work string) (*local.Folder, error) {
	folder, err := local.Open(dir, work)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no folder %q to write to: make it first", dir)
	case errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("%q isn't a folder: nothing can be written there", dir)
	}
	return folder, err
}

// borrow is called before something is written to somebody's folder. What it returns takes chute's own folders out of it again: those that weren't there before, if
// nothing is in them and nobody else in this process is about to write to such a folder.
func (d *daemon) borrow(ctx context.Context, dir, work string) (leave func()) {
	d.borrowed.RLock()
	work = filepath.Join(dir, work)
	var made []string
	for _, own := range []string{filepath.Join(work, d.ledger.ID()), work} {
		if _, err := os.Lstat(own); errors.Is(err, fs.ErrNotExist) {
			made = append(made, own)
		}
	}
	return func() {
		d.borrowed.RUnlock()
		if !d.borrowed.TryLock() {
			return
		}
		defer d.borrowed.Unlock()
		if known, err := d.ledger.KnowsPlace(context.WithoutCancel(ctx), work); known || err != nil {
			return // a store's, since it was used: there the folder is the mark that it is the same store
		}
		for _, own := range made {
			_ = syscall.Rmdir(own) // refused if something is in it
		}
	}
}
