package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// download lets npm fetch the package into folder and returns the archive's path. npm says nothing while it loads, so
// progress is what has arrived on the disk.
func (i Installer) download(ctx context.Context, p Package, folder string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("npm, which fetches it, is not on this machine: install npm, or run `npm pack %s` on a machine that has it and `chute engine install --from FILE` with the .tgz (or its libchdb.so) here, or name a library with the variable CHUTE_LIBCHDB: %w", p.Name, err)
	}
	destination := filepath.Join(folder, "package")
	if err := os.Mkdir(destination, 0o700); err != nil {
		return "", err
	}
	// Its own cache, so that the size of the folder is the progress and 167 MB don't stay in the user's.
	c := exec.CommandContext(ctx, npm, "pack", p.Name, "--json", "--ignore-scripts", "--pack-destination", destination, "--cache", filepath.Join(folder, "cache"))
	c.Dir = folder // no project's settings
	c.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	c.Stderr = &said
	if err := i.watched(ctx, c, folder); err != nil {
		return "", fmt.Errorf("npm pack %s: %w: %s\nwithout network, get the package elsewhere and run `chute engine install --from FILE`", p.Name, err, lastLines(said.String()))
	}
	archives, err := filepath.Glob(filepath.Join(destination, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return "", errors.Join(fmt.Errorf("npm pack %s left %d archives behind, not one", p.Name, len(archives)), err)
	}
	return archives[0], nil
}

// watched runs npm and tells of the growing folder.
func (i Installer) watched(ctx context.Context, c *exec.Cmd, folder string) error {
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		case <-tick.C:
			if i.Progress != nil {
				i.Progress(folderSize(folder), 0)
			}
		}
	}
}

// folderSize is what lies below folder. Entries that come and go meanwhile are left out: it is an estimate.
func folderSize(folder string) (size int64) {
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}

// lastLines keeps the end of what a program said, where the reason is.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}
