package pipeline

import (
	"context"
	"slices"
	"testing"

	"chute/connectors"
	"chute/connectors/local"
)

// listening notes what is synced, in folders and in the database.
type listening struct {
	*local.Folder
	connectors.Database
	folders []string
	session int
}

func (l *listening) Sync(ctx context.Context, dirs ...string) error {
	l.folders = append(l.folders, dirs...)
	return l.Folder.Sync(ctx, dirs...)
}

func (l *listening) Session(ctx context.Context, address string) (connectors.Session, error) {
	s, err := l.Database.Session(ctx, address)
	return listeningSession{s, l}, err
}

func (l *listening) Close() error { return nil }

type listeningSession struct {
	connectors.Session
	to *listening
}

func (s listeningSession) Sync(ctx context.Context) error {
	s.to.session++
	return s.Session.Sync(ctx)
}

// TestOrphansSynced: rows of files that are given back have left the table for good before that, and the files are in their inbox for good.
func TestOrphansSynced(t *testing.T) {
	w := newWorld(t, "clickhouse")
	w.job(orders)
	dropFour(w)
	w.killedChild("attach", false) // of the first partition
	old := w.loseLedger()
	w.open()
	o := w.orphans(old)
	l := &listening{Folder: w.im.Store.(*local.Folder), Database: w.db}
	o.Base.Store, o.Base.Database = l, l
	returned := 0
	for _, ending := range w.decideOrphans(o) {
		if ending == EndedReturned {
			returned++
		}
	}
	if inbox := slices.Index(l.folders, "in"); returned == 0 || l.session == 0 || inbox < 0 {
		t.Errorf("%d files are back; the database was synced %d times, and the folders %q", returned, l.session, l.folders)
	}
}
