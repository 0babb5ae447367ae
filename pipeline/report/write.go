package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// pending is a text that is written, but not under its name yet.
type pending struct{ temporary, name string }

// WriteOperator writes report.json and log into dir, which is made, private, when it is missing. Each appears whole or not at all and, when
// WriteOperator has returned nil, survives a power cut. Called again, after a restart, it replaces what it wrote.
func (r *Report) WriteOperator(dir string) error {
	texts, err := r.write(dir)
	for _, p := range texts {
		err = errors.Join(err, syncPath(p.temporary))
	}
	err = give(texts, err)
	if err == nil {
		// The parent as well: the folder may be new.
		err = errors.Join(syncPath(dir), syncPath(filepath.Dir(dir)))
	}
	if err != nil {
		return fmt.Errorf("write the report of run %d: %w", r.Run, err)
	}
	return nil
}

// WriteOperators writes the reports of a batch, each as WriteOperator(runs/RUN) would, with two syncs of the file system instead of
// four for every report: hundreds of small files a second are loaded together. On an error any of them may be missing.
func WriteOperators(runs string, reports []*Report) error {
	var texts []pending
	var err error
	for _, r := range reports {
		written, werr := r.write(filepath.Join(runs, strconv.FormatUint(r.Run, 10)))
		texts = append(texts, written...)
		if err = werr; err != nil {
			break
		}
	}
	if err == nil {
		err = syncAll(runs)
	}
	if err = give(texts, err); err == nil && len(reports) > 0 {
		err = syncAll(runs)
	}
	if err != nil {
		return fmt.Errorf("write the reports of %s: %w", number(len(reports), "run"), err)
	}
	return nil
}

// write puts both texts under temporary names into dir. Such a file left by a crash is overwritten by the next call.
func (r *Report) write(dir string) ([]pending, error) {
	text, err := r.JSON()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var texts []pending
	for _, t := range []struct {
		name string
		text []byte
	}{{"report.json", text}, {"log", r.Log()}} {
		p := pending{filepath.Join(dir, "."+t.name+".tmp"), filepath.Join(dir, t.name)}
		texts = append(texts, p)
		if err := os.WriteFile(p.temporary, t.text, 0o600); err != nil {
			return texts, err
		}
	}
	return texts, nil
}

// give gives the texts their names, or, when something went wrong before or does so now, removes those that have none yet.
func give(texts []pending, err error) error {
	for _, p := range texts {
		if err == nil {
			err = os.Rename(p.temporary, p.name)
		}
		if err != nil {
			os.Remove(p.temporary) // best effort: its error would hide the one that matters
		}
	}
	return err
}

// syncPath makes a file's content, or a folder's entries, durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncAll makes everything on the folder's file system durable.
func syncAll(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return errors.Join(fmt.Errorf("sync the file system of %s: %w", dir, err), d.Close())
	}
	return d.Close()
}
