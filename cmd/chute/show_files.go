package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"chute/config"
	"chute/pipeline"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// runFile is something that a run has brought about, or the file that it began with.
type runFile struct {
	What  string      `json:"what"`                  // file, rejects, reasons, log, report; for exports file, checksum, manifest, marker; full_log and full_report are the operators'
	Path  report.Text `json:"path"`                  // where it is: absolute, or the address on an SFTP server; in a store that isn't configured any more its name and the path in it, as if its work folder were .chute
	Exact string      `json:"path_base64,omitempty"` // the path's bytes, where they aren't UTF-8
	Gone  bool        `json:"gone,omitempty"`        // true: it isn't there now; no server is asked
}

// usualWork is the work folder of a store that doesn't say otherwise, and so of one that isn't configured any more.
const usualWork = ".chute"

// findFiles says where everything of a run lies, the file itself first.
func (s *shownRun) findFiles(chute *config.Chute, ledgerID string) []runFile {
	if s.out != nil {
		return s.exportedFiles(chute)
	}
	work := usualWork
	if store := chute.Store(s.Run.Store); store != nil {
		work = store.Work
	}
	files := []runFile{s.deliveredFile(chute, work, ledgerID)}
	if s.full != nil {
		for i, what := range pipeline.Kinds(s.Run) {
			name := s.Moves[i].To
			if s.Run.State != ledger.Settled {
				name = s.Moves[i].From
			}
			if what != "file" {
				files = append(files, runFile{What: what, Path: report.Text(s.beside(chute, name))})
			}
		}
		dir := filepath.Join(chute.State.Dir, runsFolder, strconv.FormatUint(s.ID, 10))
		files = append(files, runFile{What: "full_log", Path: report.Text(filepath.Join(dir, "log"))},
			runFile{What: "full_report", Path: report.Text(filepath.Join(dir, "report.json"))})
	}
	return looked(files)
}

// beside is where something is that came out of the run's file: in the store, or in the state's folder if the file stayed in its inbox.
func (s *shownRun) beside(chute *config.Chute, name string) string {
	if pipeline.Remembered(s.Run) {
		return filepath.Join(chute.State.Dir, name)
	}
	return inStore(chute, s.Run.Store, name)
}

// inStore is where something in a store is: a path of this machine, or an address on the store's server. A store that isn't configured any more is somewhere.
func inStore(chute *config.Chute, name, within string) string {
	store := chute.Store(name)
	switch {
	case store == nil:
		return filepath.Join(name, within)
	case store.Remote():
		return store.SFTP.Of(within)
	}
	return filepath.Join(store.Path, within)
}

// looked says which of the files aren't there. No server is asked.
func looked(files []runFile) []runFile {
	for i := range files {
		name := string(files[i].Path)
		files[i].Exact = exactly(name)
		if !filepath.IsAbs(name) {
			continue
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			files[i].Gone = true
		}
	}
	return files
}

// deliveredFile is the file that the run began with.
func (s *shownRun) deliveredFile(chute *config.Chute, work, ledgerID string) runFile {
	within := s.delivered(work, ledgerID)
	f := runFile{What: "file", Path: report.Text(inStore(chute, s.Run.Store, within))}
	switch {
	case s.at != "":
		f.Path = report.Text(s.at)
	case byHand(s.Run):
		f.Path = report.Text("/" + path.Join(s.Inbox, s.File.Name))
	case s.Run.State == ledger.Settled:
		f.Gone = strings.HasPrefix(within, work+"/") // deleted, by way of there
	}
	return f
}

// delivered is where in its store the file is that the run began with.
func (s *shownRun) delivered(work, ledgerID string) string {
	switch {
	case s.Run.State == ledger.Withdrawn, s.Run.State == ledger.Claiming:
		return path.Join(s.Inbox, s.File.Name)
	case s.Run.State == ledger.Settled && len(s.Moves) > 0:
		return lastPlace(s.Run)
	case pipeline.Remembered(s.Run):
		return path.Join(s.Inbox, s.File.Name)
	}
	return pipeline.Claimed(work, ledgerID, s.Run)
}

// lastPlace is where the file of a settled run went, which goes last, or where it stayed.
func lastPlace(run ledger.Run) string {
	last := run.Moves[len(run.Moves)-1]
	return cmp.Or(last.To, last.From)
}
