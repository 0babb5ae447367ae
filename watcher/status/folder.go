package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Names in the state folder.
const (
	Dir        = "status" // in the state's folder
	daemonFile = "daemon.json"
	jobsDir    = "jobs"
	runsDir    = "runs"
	metrics    = "metrics.prom"
)

// Snapshot is everything that the files say.
type Snapshot struct {
	Daemon   Daemon
	Jobs     []Job
	Progress []Progress // of files that are being loaded; not read by Read
}

// Writer writes the files of one state. It is used by one goroutine.
type Writer struct {
	Dir string // the folder of the files; made (0750) when it is missing. Files are readable for whom the folder is

	written map[string][]byte // what each file says, by its name in Dir
}

// Write brings the files to what s says. Files that say it already aren't touched, and those of jobs and runs that are gone are removed.
func (w *Writer) Write(s Snapshot) error {
	for _, dir := range []string{jobsDir, runsDir} {
		if err := os.MkdirAll(filepath.Join(w.Dir, dir), 0o750); err != nil {
			return fmt.Errorf("write status: %w", err)
		}
	}
	files := map[string][]byte{metrics: Metrics(s)}
	for _, job := range s.Jobs {
		files[filepath.Join(jobsDir, job.Job+".json")] = encode(job)
	}
	for _, p := range s.Progress {
		files[filepath.Join(runsDir, fmt.Sprintf("%d.json", p.Run))] = encode(p)
	}
	var errs []error
	for name, text := range files {
		errs = append(errs, w.write(name, text))
	}
	errs = append(errs, w.removeOthers(jobsDir, files), w.removeOthers(runsDir, files), w.write(daemonFile, encode(s.Daemon))) // last: whoever sees the heartbeat sees the rest
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // these structs can't fail
	return b.Bytes()
}

// write replaces a file, unless it is there, says this already and has the mode that the folder's asks for.
func (w *Writer) write(name string, text []byte) error {
	path := filepath.Join(w.Dir, name)
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	mode := 0o600 | folder.Mode().Perm()&0o044
	if old, err := os.Lstat(path); err == nil && old.Mode() == mode && bytes.Equal(w.written[name], text) {
		return nil
	}
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	if err := os.Chmod(temporary, mode); err != nil { // whatever the umask
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	if w.written == nil {
		w.written = map[string][]byte{}
	}
	w.written[name] = text
	return nil
}

// removeOthers removes the files of jobs, or runs, that aren't there any more.
func (w *Writer) removeOthers(dir string, files map[string][]byte) error {
	there, err := os.ReadDir(filepath.Join(w.Dir, dir))
	if err != nil {
		return err
	}
	for _, entry := range there {
		name := filepath.Join(dir, entry.Name())
		if files[name] != nil || !strings.HasSuffix(name, ".json") {
			continue
		}
		if err := os.Remove(filepath.Join(w.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		delete(w.written, name)
	}
	return nil
}

// Read reads the files in dir. An error wrapping fs.ErrNotExist means that nothing was ever written there.
func Read(dir string) (Snapshot, error) {
	var s Snapshot
	if err := read(filepath.Join(dir, daemonFile), &s.Daemon); err != nil {
		return s, err
	}
	if s.Daemon.Schema != Schema {
		return s, fmt.Errorf("%s has schema %d, this chute reads %d: use the chute that wrote it", filepath.Join(dir, daemonFile), s.Daemon.Schema, Schema)
	}
	names, err := os.ReadDir(filepath.Join(dir, jobsDir))
	if err != nil {
		return s, err
	}
	for _, entry := range names {
		if !strings.HasSuffix(entry.Name(), ".json") || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		var job Job
		err := read(filepath.Join(dir, jobsDir, entry.Name()), &job)
		switch {
		case errors.Is(err, fs.ErrNotExist): // its job went just now
		case err != nil:
			return s, err
		default:
			s.Jobs = append(s.Jobs, job)
		}
	}
	return s, nil
}

func read(name string, v any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s can't be read: %w", name, err)
	}
	return nil
}
