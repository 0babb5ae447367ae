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
	texts, err := r.texts(dir)
	if err == nil {
		err = writeTexts(dir, texts)
	}
	if err != nil {
		return fmt.Errorf("write the report of run %d: %w", r.Run, err)
	}
	return nil
}

// writeTexts writes the files of a folder that is there, each whole or not at all and synced.
func writeTexts(dir string, texts []text) error {
	written, err := temporarily(dir, texts)
	for _, p := range written {
		err = errors.Join(err, syncPath(p.temporary))
	}
	if err = give(written, err); err != nil {
		return err
	}
	// The parent as well: the folder may be new.
	return errors.Join(syncPath(dir), syncPath(filepath.Dir(dir)))
}

// WriteOperators writes the reports of a batch to where WriteOperator(runs/RUN) would, with one sync of the file system instead of
// four for every report: hundreds of small files a second are loaded together. After an error, or a crash on the way, any of them may be missing or
// there in part; called again it replaces them.
func WriteOperators(runs string, reports []*Report) error {
	err := writeAll(runs, reports)
	if err == nil {
		err = syncAll(runs)
	}
	if err != nil {
		return fmt.Errorf("write the reports of %s: %w", number(len(reports), "run"), err)
	}
	return nil
}

func writeAll(runs string, reports []*Report) error {
	for _, r := range reports {
		dir := filepath.Join(runs, strconv.FormatUint(r.Run, 10))
		texts, err := r.texts(dir)
		if err != nil {
			return err
		}
		for _, t := range texts {
			if err := os.WriteFile(t.name, t.content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// temporarily puts the texts under temporary names into dir. Such a file left by a crash is overwritten by the next call.
func temporarily(dir string, texts []text) (written []pending, err error) {
	for _, t := range texts {
		p := pending{filepath.Join(dir, "."+filepath.Base(t.name)+".tmp"), t.name}
		written = append(written, p)
		if err := os.WriteFile(p.temporary, t.content, 0o600); err != nil {
			return written, err
		}
	}
	return written, nil
}

// text is what a file is to hold.
type text struct {
	name    string
	content []byte
}

// texts makes dir and what is to be written into it.
func (r *Report) texts(dir string) ([]text, error) {
	encoded := r.Encoded
	if encoded == nil {
		var err error
		if encoded, err = r.JSON(); err != nil {
			return nil, err
		}
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	return []text{{filepath.Join(dir, "report.json"), encoded}, {filepath.Join(dir, "log"), r.Log()}}, nil
}

// makeDir makes a folder, and what is missing above it.
func makeDir(dir string) error {
	if os.Mkdir(dir, 0o700) == nil { // nearly always: a run's folder is new, and the one above it is there
		return nil
	}
	return os.MkdirAll(dir, 0o700)
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

var syncfs = unix.Syncfs // for tests to listen in

// syncAll makes everything on the folder's file system durable.
func syncAll(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := syncfs(int(d.Fd())); err != nil {
		return errors.Join(fmt.Errorf("sync the file system of %s: %w", dir, err), d.Close())
	}
	return d.Close()
}
