package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// lineOfRun is what `chute runs --json` prints, written down again: what programs read must not change by accident.
type lineOfRun struct {
	Schema   int        `json:"schema"`
	Run      uint64     `json:"run"`
	Batch    uint64     `json:"batch"`
	Kind     string     `json:"kind"`
	Job      string     `json:"job"`
	JobHash  string     `json:"job_hash"`
	Store    string     `json:"store"`
	Inbox    string     `json:"inbox"`
	File     string     `json:"file"`
	Exact    []byte     `json:"file_base64"`
	Size     int64      `json:"size"`
	Modified time.Time  `json:"modified"`
	SHA256   string     `json:"sha256"`
	Status   string     `json:"status"`
	State    string     `json:"state"`
	Table    string     `json:"table"`
	Server   string     `json:"server"`
	Records  uint64     `json:"records"`
	Loaded   uint64     `json:"loaded"`
	Rejects  uint64     `json:"rejects"`
	Warnings uint64     `json:"warnings"`
	SameAs   uint64     `json:"same_as"`
	Attempts int        `json:"attempts"`
	Error    string     `json:"error"`
	Started  time.Time  `json:"started"`
	Finished *time.Time `json:"finished"`
}

// check looks for what can't be.
func (r *lineOfRun) check(ts *testscript.TestScript) {
	settled := r.State == "settled"
	switch {
	case r.Schema != 1, r.Run == 0, r.Batch == 0 || r.Batch > r.Run, r.Kind != "import", r.Job == "", len(r.JobHash) != 64, r.Inbox == "":
	case r.Started.IsZero(), r.Started.Location() != time.UTC, r.Modified.IsZero(), (r.Finished != nil) != (settled || r.State == "withdrawn"):
	case settled && r.Status != "rejected" && len(r.SHA256) != 64, r.Loaded+r.Rejects > r.Records, (r.Status == "skipped") != (r.SameAs != 0):
	case r.Exact != nil && r.File == string(r.Exact), filepath.IsAbs(r.Inbox) != (r.Store == ""):
	default:
		return
	}
	ts.Fatalf("the run %+v", *r)
}

// listed compares the names of the runs that `chute runs --json` lists: listed WANT FLAGS…
func listed(ts *testscript.TestScript, _ bool, args []string) {
	c := exec.Command("chute", append([]string{"--config", "chute.toml", "runs", "--json"}, args[1:]...)...)
	var said bytes.Buffer
	c.Dir, c.Stderr = ts.MkAbs("."), &said
	out, err := c.Output()
	if err != nil {
		ts.Fatalf("%v: %s", err, said.Bytes())
	}
	var names []string
	for line := range bytes.Lines(out) {
		var r lineOfRun
		strictly(ts, line, &r)
		r.check(ts)
		names = append(names, shown(r.File))
	}
	if got := strings.Join(names, " "); got != args[0] {
		ts.Fatalf("runs %q\nlisted %s\nwanted %s\n%s", args[1:], got, args[0], said.Bytes())
	}
}

func strictly(ts *testscript.TestScript, text []byte, into any) {
	if bytes.ContainsAny(text, "\x1b\u202e\xff") {
		ts.Fatalf("not fit for a terminal: %q", text)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		ts.Fatalf("%v: %s", err, text)
	}
}

// shownRunJSON checks what `chute show --json RUN` says against the files that it names, and prints what and where they are.
func shownRunJSON(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("chute", "--config", "chute.toml", "show", "--json", args[0]))
	var r struct {
		lineOfRun
		Files []struct {
			What, Path string
			Exact      []byte `json:"path_base64"`
			Gone       bool
		} `json:"files"`
		Report json.RawMessage `json:"report"`
	}
	strictly(ts, []byte(ts.ReadFile("stdout")), &r)
	r.check(ts)
	for _, f := range r.Files {
		name := f.Path
		if f.Exact != nil {
			name = string(f.Exact)
		}
		info, err := os.Lstat(name)
		if (err != nil) != f.Gone || err == nil && f.What == "file" && info.Size() != r.Size {
			ts.Fatalf("%+v: %v", f, err)
		}
		if f.What == "full_report" {
			text, err := os.ReadFile(name)
			ts.Check(err)
			var want, got any
			ts.Check(json.Unmarshal(text, &want))
			ts.Check(json.Unmarshal(r.Report, &got))
			if fmt.Sprint(want) != fmt.Sprint(got) {
				ts.Fatalf("the report is %s, in the state folder it is %s", r.Report, text)
			}
		}
		rel, err := filepath.Rel(ts.Getenv("WORK"), f.Path)
		ts.Check(err)
		fmt.Fprintln(ts.Stdout(), f.What, shown(rel), f.Gone)
	}
}
