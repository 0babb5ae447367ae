package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"

	"chute/connectors"
	"chute/pipeline/reconcile"
)

// claim is what claim.json says. It is written and synced before the ledger calls a file claimed: of files in a folder without it nothing was ever loaded.
type claim struct {
	Ledger   string            `json:"ledger"`
	Database *DatabaseMark     `json:"database,omitempty"` // where the table is; nil: an earlier chute wrote this
	Table    string            `json:"table"`              // as the job names it
	Lineage  reconcile.Lineage `json:"lineage"`            // the columns that the job wants to know rows by
	Runs     []claimed         `json:"runs"`
}

// claimed is one file of a claim.
type claimed struct {
	Run   uint64 `json:"run"`
	Job   string `json:"job"`
	Inbox string `json:"inbox"`
	Name  []byte `json:"name"` // base64: a name may be any bytes
	Shown string `json:"shown"`
}

func (im *Importer) writeClaim(ctx context.Context, b *batch) error {
	c := claim{Ledger: im.Ledger.ID(), Database: im.DatabaseAt, Table: im.Job.Target.Table.String(), Lineage: lineageOf(im.Job)}
	for _, it := range b.active() {
		name := it.run.File.Name
		c.Runs = append(c.Runs, claimed{it.run.ID, it.run.Job, it.run.Inbox, []byte(name), strconv.Quote(name)})
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return im.writeFile(ctx, path.Join(b.folder, claimFile), append(text, '\n'))
}

// ownFileSize is how much is read of a file that chute wrote itself.
const ownFileSize = 64 << 20

// readClaim reads a work folder's claim.json, nil where there is none.
func readClaim(ctx context.Context, store connectors.Folder, folder string) (*claim, error) {
	c := &claim{}
	there, err := readOwn(ctx, store, path.Join(folder, claimFile), c)
	if err != nil || !there {
		return nil, err
	}
	return c, nil
}

// errTorn: a file of chute's own isn't what chute writes.
var errTorn = errors.New("it can't be read")

// readOwn reads a JSON file that chute wrote. What isn't JSON wraps errTorn.
func readOwn(ctx context.Context, store connectors.Folder, name string, into any) (there bool, err error) {
	f, err := store.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, ownFileSize))
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return true, fmt.Errorf("%q: %w: %w", name, errTorn, err)
	}
	return true, nil
}
