package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"chute/connectors"
)

// unclaimed tells why a file isn't in the work folder. One that is still in its inbox, untouched, is kept there by the store, which may say so or not.
func (im *Importer) unclaimed(ctx context.Context, b *batch, it *item) error {
	known := it.claimErr != nil && !errors.Is(it.claimErr, fs.ErrNotExist)
	if known && (ctx.Err() != nil || errors.Is(it.claimErr, connectors.ErrUnavailable)) {
		return it.claimErr
	}
	if !b.resumed && im.probe(ctx, it) == nil {
		said := "the store says that it moved the file, and has it there still"
		if it.claimErr != nil {
			said = strings.ReplaceAll(it.claimErr.Error(), b.folder, path.Dir(b.folder)+"/…") // the same words at each try: they aren't news
		}
		return fmt.Errorf(`%w: %s; for inboxes in which chute may not rename there is claim = "remember"`, connectors.ErrUnclaimable, said)
	}
	if known {
		return it.claimErr
	}
	return fmt.Errorf("the file left the inbox before it could be claimed: %w", fs.ErrNotExist)
}

// forget takes their runs from files that stayed in their inbox.
func (im *Importer) forget(ctx context.Context, kept []*item) error {
	if err := im.Ledger.Forget(ctx, runsOf(kept)); err != nil {
		return err
	}
	for _, it := range kept {
		it.run.ID, it.run.Batch, it.run.State, it.lost = 0, 0, "", false
	}
	return nil
}
