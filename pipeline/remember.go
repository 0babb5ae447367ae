package pipeline

import (
	"context"
	"path"
	"strconv"

	"chute/connectors"
	"chute/pipeline/ledger"
)

// remembering is the importer for files that stay in their inbox: like those given by hand they are read where they are, and what comes out of
// them goes to the state's folder. That such a file was taken is in the ledger, by its name, size, time and bytes, and there
// the last of a run's moves begins in the inbox, which tells such runs from others though the job may have changed.
func (im *Importer) remembering() *Importer {
	if im.swept == nil {
		im.swept = map[string]bool{} // which both share
	}
	other := *im
	other.StoreAt = ""
	other.remembers, other.InPlace, other.Dir = true, true, im.Job.Inbox
	other.storeWork, other.Store, other.Work = im.Work, im.State, im.StateWork
	other.Out = func(run uint64) string { return "runs/" + strconv.FormatUint(run, 10) }
	return &other
}

// Remembered tells whether the file of a run stayed in its inbox when it was taken.
func Remembered(run ledger.Run) bool {
	n := len(run.Moves)
	return n > 0 && run.Moves[n-1].From == path.Join(run.Inbox, run.File.Name)
}

// lastMove is what becomes of a file in its inbox; "" leaves it there.
func (im *Importer) lastMove(it *item, to string) ledger.Move {
	return ledger.Move{From: im.inboxName(it), To: to}
}

// ownMoves are the moves within Store: all but that of a file that is somewhere else.
func (im *Importer) ownMoves(it *item) []ledger.Move {
	moves := it.run.Moves
	if im.remembers && len(moves) > 0 {
		moves = moves[:len(moves)-1]
	}
	return moves
}

// planLeft says what becomes of a file that stayed in its inbox. One that is to be deleted goes through the work folder, where nobody but chute
// changes it; a rejected one isn't deleted.
func (im *Importer) planLeft(ctx context.Context, it *item) error {
	to := ""
	switch {
	case im.Job.WhenDone == "move":
		dir, err := im.putAway(it)
		if err != nil {
			return err
		}
		name, err := free(ctx, im.existsThere, dir, it.run.File.Name, it.run.ID, nil)
		if err != nil {
			return err
		}
		to = path.Join(dir, name)
	case im.Job.WhenDone == "delete" && it.rejection == nil:
		to = im.leftHeld(it)
	}
	it.run.Moves = append(it.run.Moves, im.lastMove(it, to))
	return nil
}

// existsThere looks in the store that the inbox is in.
func (im *Importer) existsThere(ctx context.Context, name string) (bool, error) {
	return existsIn(ctx, im.Inbox, name)
}

// Seen tells of which files a job that remembers has runs already. Others are to be taken.
func Seen(ctx context.Context, l *ledger.Ledger, store, inbox, job string, files []connectors.File) ([]bool, error) {
	seen := make([]bool, len(files))
	for i, f := range files {
		var err error
		if seen[i], err = l.Seen(ctx, ledger.Run{Job: job, Store: store, Inbox: inbox, File: f}); err != nil {
			return nil, err
		}
	}
	return seen, nil
}
