package sftp

import (
	"context"
	"fmt"
	"slices"

	"chute/connectors"
)

var _ connectors.Filer = (*Folder)(nil)

// together is how many small files are made at a time: each takes about ten requests that wait for each other.
const together = 8

// CreateAll implements connectors.Filer: several at a time, and each folder synced once.
func (f *Folder) CreateAll(ctx context.Context, files []connectors.NewFile) error {
	at, err := inOrder(together, len(files), func(part, _ int) error {
		p, err := f.create(ctx, files[part].Name)
		if err != nil {
			return err
		}
		defer p.Discard() // after a commit it does nothing; else its error says less than what came before
		if _, err := p.Write(files[part].Content); err != nil {
			return err
		}
		return p.Commit(ctx)
	})
	if err != nil {
		return fmt.Errorf("create %q: %w", files[at].Name, err)
	}
	var dirs []string
	for _, file := range files {
		if dir := parent(file.Name); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return f.Sync(ctx, dirs...)
}
