package pipeline

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"chute/connectors"
	"chute/connectors/local"
)

// countingFolder counts what is made durable by itself.
type countingFolder struct {
	*local.Folder
	created, filed, synced int
}

func (f *countingFolder) Create(ctx context.Context, name string) (connectors.PendingFile, error) {
	f.created++
	return f.Folder.Create(ctx, name)
}

func (f *countingFolder) CreateAll(ctx context.Context, files []connectors.NewFile) error {
	f.filed++
	return f.Folder.CreateAll(ctx, files)
}

func (f *countingFolder) Sync(ctx context.Context, dirs ...string) error {
	f.synced += len(dirs)
	return f.Folder.Sync(ctx, dirs...)
}

// TestBatchShares: whatever number of files a batch has, each step commits once in the ledger, and nothing but renames is done for each file by itself.
func TestBatchShares(t *testing.T) {
	w := newWorld(t, "chdb")
	w.job(orders)
	w.open()
	var alone *countingFolder
	var before map[string]int
	for round, files := range []int{5, 5, 40} { // the first makes folders and the table
		for n := range files {
			w.drop(fmt.Sprintf("r%d-%d.csv", round, n), fmt.Sprintf("id,amount,note\n%d,1.00,x\n", 1000*round+n))
		}
		store := &countingFolder{Folder: w.im.Inbox.(*local.Folder)}
		w.im.Store = store
		effects := map[string]int{}
		w.im.Fault = func(effect string, before bool) error {
			if before {
				effects[effect]++
			}
			return nil
		}
		for _, v := range w.importAll() {
			if v.Outcome != connectors.Done {
				t.Fatalf("%q: %v", v.File.Name, v.Err)
			}
		}
		if effects["rename"] != files || effects["move"] != 2*files || effects["move file"] != files || effects["settled"] != 1 {
			t.Errorf("%d files: %v", files, effects)
		}
		for _, each := range []string{"rename", "move", "move file", "insert"} {
			delete(effects, each)
		}
		if round == 2 && !maps.Equal(effects, before) {
			t.Errorf("effects of 40 files: %v, of 5: %v", effects, before)
		}
		if round == 2 && (store.created != alone.created || store.filed != alone.filed || store.synced != alone.synced) {
			t.Errorf("40 files: %d made by themselves, %d together, %d folders synced; 5 files: %d, %d, %d",
				store.created, store.filed, store.synced, alone.created, alone.filed, alone.synced)
		}
		alone, before = store, effects
	}
}
