package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/reconcile"
)

// claim is what claim.json says. It is written and synced before the ledger calls a file claimed: of files in a folder without it nothing was ever loaded.
//
// On a server it lies before its owner's eyes: the database, the table and its columns are only hashes there, by which it shows whether they are the same now.
type claim struct {
	Ledger    string             `json:"ledger"`
	Database  *DatabaseMark      `json:"database,omitempty"`  // where the table is; nil: an earlier chute wrote this, or it is on a server
	Table     string             `json:"table,omitempty"`     // as the job names it
	Lineage   *reconcile.Lineage `json:"lineage,omitempty"`   // the columns that the job wants to know rows by
	Databases []string           `json:"databases,omitempty"` // on a server: hashes of Database, as keys tells
	Target    string             `json:"target,omitempty"`    // on a server: the hash of Table and Lineage
	Runs      []claimed          `json:"runs"`
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
	c := claim{Ledger: im.Ledger.ID()}
	lineage := lineageOf(im.Job)
	if _, far := im.Store.(connectors.Fetcher); far {
		c.Target = targetHash(c.Ledger, im.Job)
		c.Databases = im.DatabaseAt.hashes(c.Ledger)
	} else {
		c.Database, c.Table, c.Lineage = im.DatabaseAt, im.Job.Target.Table.String(), &lineage
	}
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

// targets tells whether the claim is of a job that loads where this one does. An earlier claim, or a hand-written one, may not say where.
func (c *claim) targets(job *config.Job) bool {
	return (c.Table == "" || c.Table == job.Target.Table.String()) &&
		(c.Lineage == nil || *c.Lineage == lineageOf(job)) && (c.Target == "" || c.Target == targetHash(c.Ledger, job))
}

func targetHash(of string, job *config.Job) string {
	l := lineageOf(job)
	return hashed(of, job.Target.Table.String(), l.Run, l.Record)
}

// hashed is a hash of texts, another one for each ledger.
func hashed(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:16])
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
