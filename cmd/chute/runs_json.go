package main

import (
	"encoding/base64"
	"path/filepath"
	"time"
	"unicode/utf8"

	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// runSchema is the version of runLine. Fields are added within a version; removing or changing one makes a new version.
const runSchema = 1

// runLine is a run as programs read it: a line of `chute runs --json`, and the beginning of `chute show --json`. The README's table is made
// of these comments.
type runLine struct {
	Schema   int         `json:"schema"`                // 1
	Run      uint64      `json:"run"`                   // the run's number
	Batch    uint64      `json:"batch"`                 // the run that leads those that were claimed together; the same number when it came alone
	Kind     string      `json:"kind"`                  // import or export
	Job      report.Text `json:"job"`                   // the job's name
	JobHash  string      `json:"job_hash"`              // of the job as it was in effect, as `chute jobs show` prints it
	Store    report.Text `json:"store,omitempty"`       // the store's name; missing for a file given by hand, or exported to a folder given by hand
	Inbox    report.Text `json:"inbox"`                 // the folder in the store; for a file given by hand its folder, absolute; for an export the outbox
	File     report.Text `json:"file"`                  // the file's name, for an export the one that the job wants; a byte that isn't UTF-8 is shown as \xe9
	Exact    string      `json:"file_base64,omitempty"` // the name's bytes, where they aren't UTF-8
	Size     int64       `json:"size"`                  // in bytes, as delivered
	Modified time.Time   `json:"modified"`              // when the file was, as it says
	SHA256   string      `json:"sha256,omitempty"`      // of the delivered bytes; missing until the file was read to its end
	Status   string      `json:"status"`                // how the run is doing, see above
	State    string      `json:"state"`                 // the effect that was announced last: claiming, claimed, staging, publishing, published, rejecting, or for exports writing, delivering; settled, withdrawn
	Table    report.Text `json:"table,omitempty"`       // quoted as in SQL; missing until it is known
	Server   report.Text `json:"server,omitempty"`      // the address of the server that has the staging table, or where the embedded engine's data is
	Records  uint64      `json:"records"`               // that were found, or written, so far
	Loaded   uint64      `json:"loaded"`                // records loaded or, until the run has ended, good ones; 0 of an export
	Written  uint64      `json:"written,omitempty"`     // of an export: rows in its file so far; missing where nothing was delivered
	Rejects  uint64      `json:"rejects"`               // refused
	Warnings uint64      `json:"warnings"`              // findings that refused nothing
	SameAs   uint64      `json:"same_as,omitempty"`     // for a skipped file: the run that loaded it
	Attempts int         `json:"attempts"`              // how many tries have failed
	Error    report.Text `json:"error,omitempty"`       // the last one, of a run that hasn't ended or has failed
	Started  time.Time   `json:"started"`               // when it was about to be claimed
	Finished time.Time   `json:"finished,omitzero"`     // missing until the run has ended
}

func newRunLine(r ledger.Run) runLine {
	l := runLine{
		Schema: runSchema, Run: r.ID, Batch: r.Batch, Kind: r.Kind, Job: report.Text(r.Job), JobHash: r.JobHash, Store: report.Text(r.Store),
		Inbox: report.Text(r.Inbox), File: report.Text(r.File.Name), Size: r.File.Size, Modified: r.File.ModTime.UTC(), SHA256: r.SHA256,
		Status: string(r.Status), State: string(r.State), Table: report.Text(r.Target), Server: report.Text(r.Server),
		Records: r.Records, Loaded: r.Accepted, Rejects: r.Rejects, Warnings: r.Warnings, SameAs: r.SameAs,
		Attempts: r.Attempts, Error: report.Text(r.Error), Started: r.Started, Finished: r.Finished,
	}
	if byHand(r) {
		l.Store, l.Inbox = "", "/"+l.Inbox
		if r.Kind == ledger.Export {
			l.Inbox = report.Text(r.Store)
		}
	}
	if r.Kind == ledger.Export && !undelivered(r) {
		l.Written = r.Records
	}
	l.Exact = exactly(r.File.Name)
	return l
}

// undelivered tells of an export that ended without a delivery: what was written of it before is gone.
func undelivered(r ledger.Run) bool {
	return r.Status == ledger.Failed || r.Status == ledger.Skipped || r.Status == ledger.Cancelled
}

// exactly returns in base64 what JSON can't have in a text; "" for a name that is UTF-8.
func exactly(name string) string {
	if utf8.ValidString(name) {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(name))
}

// byHand tells whether a run's file was given by hand: then its store is the folder that the results went to.
func byHand(r ledger.Run) bool { return filepath.IsAbs(r.Store) }
