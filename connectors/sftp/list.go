package sftp

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	client "github.com/pkg/sftp"

	"chute/connectors"
)

// List implements connectors.Folder with one listing, which brings what is known of each entry.
func (f *Folder) List(ctx context.Context, dir string) ([]connectors.File, error) {
	var files []connectors.File
	err := f.within(ctx, func(ctx context.Context) (err error) {
		files, err = f.list(ctx, dir)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, err)
	}
	return files, nil
}

func (f *Folder) list(ctx context.Context, dir string) ([]connectors.File, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	if err := f.walk(ctx, dir); err != nil {
		return nil, err
	}
	var entries []fs.FileInfo
	err := f.ask(ctx, func(c *client.Client) (err error) {
		entries, err = c.ReadDir(f.path(dir))
		return err
	})
	if broughtNothing(err) {
		return nil, fmt.Errorf("the SFTP server sent no name %d times, and not that the folder ends: it is broken, see to it there", emptyListings)
	}
	if err != nil {
		return nil, tooMany(err)
	}
	files := make([]connectors.File, 0, len(entries))
	for _, e := range entries {
		if name := e.Name(); sane(name) {
			files = append(files, fileOf(name, e))
		}
	}
	return files, nil
}

// longestName is more than any file system has room for: 255 characters, of four bytes each.
const longestName = 1020

// sane tells whether a server's word for an entry can be one: it could send anything.
func sane(name string) bool {
	return name != "" && len(name) <= longestName && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}
