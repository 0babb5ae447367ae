package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

// shown escapes what a golden text shouldn't hold as it is.
func shown(name string) string {
	quoted := strconv.Quote(name)
	return quoted[1 : len(quoted)-1]
}

var workFolder = regexp.MustCompile(`^\.chute/[a-z0-9]{8,}(/\d+)?`)

// tree prints everything below folders, sorted, folders with a slash. The ledger's id and run numbers in work folders are shown as words.
func tree(ts *testscript.TestScript, _ bool, args []string) {
	for _, dir := range args {
		var lines []string
		top := ts.MkAbs(dir)
		ts.Check(filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || name == top {
				return err
			}
			rel, err := filepath.Rel(top, name)
			rel = workFolder.ReplaceAllStringFunc(rel, func(work string) string {
				return ".chute/LEDGER/RUN"[:len(".chute/LEDGER")+len("/RUN")*(strings.Count(work, "/")-1)]
			})
			mark := map[fs.FileMode]string{fs.ModeDir: "/", fs.ModeSymlink: "@", fs.ModeNamedPipe: "|", fs.ModeDevice | fs.ModeCharDevice: "%"}[entry.Type()]
			lines = append(lines, shown(rel)+mark+"\n")
			return err
		}))
		slices.Sort(lines)
		fmt.Fprint(ts.Stdout(), strings.Join(lines, ""))
	}
}

// partnerReport is NAME.report.json as its schema says, written down again: what partners' programs read must not change by accident.
type partnerReport struct {
	Schema   int       `json:"schema"`
	Run      uint64    `json:"run"`
	Job      string    `json:"job"`
	Label    string    `json:"label"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Result   string    `json:"result"`
	File     struct {
		Name     string    `json:"name"`
		Size     int64     `json:"size"`
		SHA256   string    `json:"sha256"`
		Received time.Time `json:"received"`
	} `json:"file"`
	Rejection *struct{ Code, Message string } `json:"rejection"`
	SameAs    *struct {
		Run      uint64    `json:"run"`
		Name     string    `json:"name"`
		Finished time.Time `json:"finished"`
	} `json:"same_as"`
	Counts  map[string]uint64 `json:"counts"`
	Reasons []struct {
		Code, Column, Source string
		Count                uint64
		FirstLine            int64 `json:"first_line"`
	} `json:"reasons"`
	Examples []struct {
		Record         uint64
		Line, Offset   int64
		Column, Code   string
		Value, Message string
	} `json:"examples"`
	Warnings []struct {
		Code, Message string
		Line          int64
		Count         uint64
	} `json:"warnings"`
	Dialect *struct {
		Type, Compression, Encoding, Delimiter, Quote string
		LineEnd                                       string `json:"line_end"`
		Header                                        bool
		Columns                                       []string
	} `json:"dialect"`
	RejectFiles *struct {
		Records, Reasons string
		Omitted          uint64
	} `json:"reject_files"`
}

// printReports prints the reports whose names fit a pattern, sorted.
func printReports(ts *testscript.TestScript, _ bool, patterns []string) {
	for _, pattern := range patterns {
		names, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(names) == 0 {
			ts.Fatalf("there is no report %s", pattern)
		}
		for _, name := range names {
			printReport(ts, name)
		}
	}
}

// checkReport reads a report and checks it against the files beside it.
func checkReport(ts *testscript.TestScript, name string) (r partnerReport) {
	text, err := os.ReadFile(name)
	ts.Check(err)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		ts.Fatalf("%s: %v", name, err)
	}
	r.check(ts, name)
	return r
}

// printReport prints what a report says, in short.
func printReport(ts *testscript.TestScript, name string) {
	r := checkReport(ts, name)
	out := ts.Stdout()
	fmt.Fprintf(out, "%s: %s:", r.File.Name, r.Result)
	for _, key := range []string{"total", "processed", "success", "rejects", "skipped"} {
		fmt.Fprintf(out, " %s=%d", key, r.Counts[key])
	}
	fmt.Fprintln(out)
	if r.Rejection != nil {
		fmt.Fprintf(out, "rejection %s: %s\n", r.Rejection.Code, r.Rejection.Message)
	}
	if r.SameAs != nil {
		fmt.Fprintf(out, "same as %s of run %d\n", r.SameAs.Name, r.SameAs.Run)
	}
	for _, reason := range r.Reasons {
		fmt.Fprintf(out, "reason %s %q: %d, line %d\n", reason.Code, reason.Column, reason.Count, reason.FirstLine)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(out, "warning %s\n", w.Code)
	}
	if r.RejectFiles != nil {
		fmt.Fprintf(out, "files %s %s\n", r.RejectFiles.Records, r.RejectFiles.Reasons)
	}
}

// check compares the report with itself, the delivered file, the log and the reject files.
func (r *partnerReport) check(ts *testscript.TestScript, name string) {
	wrong := func(format string, args ...any) { ts.Fatalf("%s: %s", name, fmt.Sprintf(format, args...)) }
	c := r.Counts
	if r.Schema != 1 || r.Run == 0 || r.Job == "" || r.Started.IsZero() || r.Finished.Before(r.Started) {
		wrong("schema, run, job or times are wrong: %+v", r)
	}
	if c["total"] != c["empty"]+c["processed"] || c["processed"] != c["success"]+c["rejects"]+c["skipped"] || c["success"] != c["inserted"] {
		wrong("the counts don't add up: %v", c)
	}
	var errors, warnings uint64
	for _, reason := range r.Reasons {
		errors += reason.Count
	}
	for _, w := range r.Warnings {
		warnings += w.Count
	}
	if errors != c["errors"] || warnings != c["warnings"] {
		wrong("reasons or warnings don't add up: %v", c)
	}
	if (r.Result == "rejected") != (r.Rejection != nil) || (r.Result == "skipped") != (r.SameAs != nil) || (r.Result == "loaded with rejects") != (c["rejects"] > 0 && c["success"]+c["rejects"] == c["total"] && r.Rejection == nil) {
		wrong("result %q doesn't fit the rest", r.Result)
	}
	stem := strings.TrimSuffix(name, ".report.json")
	if content, err := os.ReadFile(stem); err == nil {
		sum := sha256.Sum256(content)
		if r.File.SHA256 != hex.EncodeToString(sum[:]) || r.File.Size != int64(len(content)) {
			wrong("size or hash isn't the delivered file's")
		}
	}
	log, err := os.ReadFile(stem + ".log")
	ts.Check(err)
	for _, want := range []string{r.Result, strconv.FormatUint(r.Run, 10), r.File.SHA256, r.Job} {
		if !bytes.Contains(log, []byte(want)) {
			wrong("the log doesn't tell of %q:\n%s", want, log)
		}
	}
	r.checkRejects(ts, filepath.Dir(name), wrong)
}

// checkRejects: every refusal is listed, and every refused record lies in the reject file as it came.
func (r *partnerReport) checkRejects(ts *testscript.TestScript, dir string, wrong func(string, ...any)) {
	if r.RejectFiles == nil {
		if r.Counts["errors"] > 0 {
			wrong("errors without a list of reasons")
		}
		return
	}
	reasons, err := os.ReadFile(filepath.Join(dir, r.RejectFiles.Reasons))
	ts.Check(err)
	var listed uint64
	for line := range bytes.Lines(reasons) {
		var reason struct {
			Record, Line          uint64
			Column, Code, Message string
			Source                string
		}
		if err := json.Unmarshal(line, &reason); err != nil || reason.Record == 0 || reason.Line == 0 || reason.Code == "" || reason.Message == "" || reason.Source != "text" {
			wrong("the reason %s (%v)", line, err)
		}
		listed++
	}
	if listed+r.RejectFiles.Omitted != r.Counts["errors"] {
		wrong("%d reasons are listed and %d left out, not %d", listed, r.RejectFiles.Omitted, r.Counts["errors"])
	}
	if (r.RejectFiles.Records != "") != (r.Result == "loaded with rejects") {
		wrong("result %q and reject file %q", r.Result, r.RejectFiles.Records)
	}
	if r.RejectFiles.Records != "" {
		if _, err := os.Stat(filepath.Join(dir, r.RejectFiles.Records)); err != nil {
			wrong("%v", err)
		}
	}
}

// internal is what no partner may read: paths, SQL, tables (zz_… in all scripts), stages, the engine's own words.
var internal = regexp.MustCompile(`\b(SELECT|INSERT|ALTER|CREATE|DROP|ATTACH|PARTITION|FORMAT Native)\b|zz_|chute_stage|_chute_|DB::|Exception|Code: \d|[Cc]lick[Hh]ouse|chdb|embedded:|127\.0\.0\.1|localhost|\.go:\d|goroutine|/proc/|ledger`)

// checkPrivacy reads everything that chute has put beside the partners' files. What they delivered themselves may hold anything.
func (w *world) checkPrivacy(ts *testscript.TestScript) {
	host, err := os.Hostname()
	ts.Check(err)
	_, port, _ := strings.Cut(w.server.Address, ":")
	known := regexp.MustCompile(`\b(` + regexp.QuoteMeta(host) + `|` + port + `)\b|` + regexp.QuoteMeta(w.dir))
	sidecar := regexp.MustCompile(`\.(log|report\.json|jsonl)$`)
	ts.Check(filepath.WalkDir(filepath.Join(w.dir, "store"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() == ".chute" {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if !entry.Type().IsRegular() || !sidecar.MatchString(name) || filepath.Base(filepath.Dir(name)) == "in" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, pattern := range []*regexp.Regexp{internal, known} {
			if found := pattern.Find(text); found != nil {
				ts.Fatalf("%s tells the partner of %q:\n%s", name, found, text)
			}
		}
		if !utf8.Valid(text) {
			ts.Fatalf("%s isn't UTF-8", name)
		}
		return nil
	}))
}

// hidden reads every file of the script's world, logs, ledger and output of commands among them, but for what was delivered, what is handed back
// as it came, and the embedded engine's tables.
func hidden(ts *testscript.TestScript, _ bool, patterns []string) {
	read := 0
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() == "chdb" && entry.IsDir() {
			return cmp.Or(err, fs.SkipDir)
		}
		if !entry.Type().IsRegular() || strings.HasSuffix(name, ".csv") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		read++
		for _, pattern := range patterns {
			if at := regexp.MustCompile(pattern).FindIndex(text); at != nil {
				ts.Fatalf("%s has %q", name, text[max(0, at[0]-300):min(len(text), at[1]+100)])
			}
		}
		return nil
	}))
	if read < 30 {
		ts.Fatalf("only %d files were read", read)
	}
}
