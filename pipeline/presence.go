package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// ErrLost: a store isn't what it was. Mostly its file system isn't mounted, and what would be done to the bare mount point would be lost to everybody.
var ErrLost = errors.New("the store isn't what it was")

// site is a store as one ledger has it. The ledger's own folder in it, <work>/LEDGER, is the mark that it is the same store as before.
type site struct {
	store  connectors.Folder
	ledger *ledger.Ledger
	work   string
	at     string // where the store is, for people and for the ledger; "": nobody asks
}

func (s site) mark() string { return path.Join(s.work, s.ledger.ID()) }

// present makes sure that the mark is there, if it was ever made. A store that was never used has none; known tells.
func (s site) present(ctx context.Context) (known bool, err error) {
	if s.at == "" {
		return false, nil
	}
	lost, known, err := Lost(ctx, s.store, &s.ledger.Reader, s.at, s.work)
	if lost {
		err = s.lost("has no %s any more, which chute had made in it: if its file system isn't mounted, mount it; if it was emptied on purpose, make that folder, as chute's user", s.mark())
	}
	return known, err
}

// Lost tells whether the mark that a ledger made in a store isn't there any more, and whether it made one; at says where the store is.
func Lost(ctx context.Context, store connectors.Folder, r *ledger.Reader, at, work string) (lost, known bool, err error) {
	if known, err = r.KnowsPlace(ctx, path.Join(at, work)); err != nil || !known {
		return false, false, err
	}
	_, err = store.List(ctx, path.Join(work, r.ID()))
	if errors.Is(err, fs.ErrNotExist) {
		return true, true, nil
	}
	return false, true, err
}

// Present tells why a store isn't what it was when this ledger worked in it last; at says where it is.
func Present(ctx context.Context, store connectors.Folder, l *ledger.Ledger, at, work string) error {
	_, err := site{store, l, work, at}.present(ctx)
	return err
}

// fit makes sure that something may be delivered to a folder of a store. In one that was never used it has to be there, or something else: an empty folder may
// be the mount point of a file system that isn't mounted yet.
func (s site) fit(ctx context.Context, outbox string) error {
	if s.at == "" {
		return nil
	}
	known, err := s.present(ctx)
	if known || err != nil || outbox == "." {
		return err
	}
	inside, err := s.store.List(ctx, ".")
	if err == nil && len(inside) == 0 {
		err = s.lost("is empty: if its file system isn't mounted, mount it; if it is new, make the folder %s in it", outbox)
	}
	return err
}

func (s site) lost(text string, of string) error {
	return &lostError{fmt.Sprintf("%s "+text, s.at, of)}
}

// lostError says by itself what is the matter and what to do. It is an ErrLost, and waited for like any store that can't be reached.
type lostError struct{ text string }

func (e *lostError) Error() string   { return e.text }
func (e *lostError) Unwrap() []error { return []error{ErrLost, connectors.ErrUnavailable} }

// used remembers that the mark was made.
func (s site) used(ctx context.Context) error {
	place := path.Join(s.at, s.work)
	if s.at == "" {
		return nil
	}
	if known, err := s.ledger.KnowsPlace(ctx, place); known || err != nil {
		return err
	}
	return s.ledger.AddPlace(ctx, place, now())
}

func (im *Importer) site() site { return site{im.Store, im.Ledger, im.Work, im.StoreAt} }

// site is nobody's business when somebody wants a file in a folder of theirs.
func (ex *Exporter) site() site {
	if ex.Place != "" {
		return site{}
	}
	return site{ex.Store, ex.Ledger, ex.Work, ex.StoreAt}
}
