package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"chute/config"
	"chute/pipeline"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// runFile is something that a run has brought about, or the file that it began with.
type runFile struct {
	What  string      `json:"what"`                  // file, rejects, reasons, log, report; for exports file, checksum, manifest, marker; full_log and full_report are the operators'
	Path  report.Text `json:"path"`                  // where it is, absolute; in a store that isn't configured any more, within the store
	Exact string      `json:"path_base64,omitempty"` // the path's bytes, where they aren't UTF-8
	Gone  bool        `json:"gone,omitempty"`        // true: it isn't there now
}

// findFiles says where everything of a run lies, the file itself first.
func (s *shownRun) findFiles(chute *config.Chute, ledgerID string) []runFile {
	root, work := s.Run.Store, ""
	if store := chute.Store(root); store != nil {
		root, work = store.Path, store.Work
	}
	if s.out != nil {
		return s.exportedFiles(chute, root)
	}
	files := []runFile{{What: "file", Path: report.Text(s.delivered(root, work, ledgerID))}}
	if s.full != nil {
		for i, what := range pipeline.Kinds(s.Run) {
			name := s.Moves[i].To
			if s.Run.State != ledger.Settled {
				name = s.Moves[i].From
			}
			if what != "file" {
				files = append(files, runFile{What: what, Path: report.Text(filepath.Join(root, name))})
			}
		}
		dir := filepath.Join(chute.State.Dir, runsFolder, strconv.FormatUint(s.ID, 10))
		files = append(files, runFile{What: "full_log", Path: report.Text(filepath.Join(dir, "log"))},
			runFile{What: "full_report", Path: report.Text(filepath.Join(dir, "report.json"))})
	}
	return looked(files)
}

// looked says which of the files are there.
func looked(files []runFile) []runFile {
	for i := range files {
		name := string(files[i].Path)
		_, err := os.Lstat(name)
		files[i].Gone, files[i].Exact = errors.Is(err, fs.ErrNotExist), exactly(name)
	}
	return files
}

// delivered is where the file is that the run began with.
func (s *shownRun) delivered(root, work, ledgerID string) string {
	inbox := path.Join(s.Inbox, s.File.Name)
	switch {
	case s.at != "":
		return s.at
	case byHand(s.Run):
		return "/" + inbox
	case s.Run.State == ledger.Withdrawn, s.Run.State == ledger.Claiming:
		return filepath.Join(root, inbox)
	case s.Run.State == ledger.Settled && len(s.Moves) > 0:
		return filepath.Join(root, s.Moves[len(s.Moves)-1].To) // the file goes last
	}
	return filepath.Join(root, pipeline.Claimed(work, ledgerID, s.Run))
}
