package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// well is a daemon with one job, and nothing to say about either.
func well() Snapshot {
	return Snapshot{
		Daemon: Daemon{
			Schema: Schema, Heartbeat: noon.Add(-2 * time.Second), StaleAfter: 20, Version: "v1", Process: 7, Started: noon.Add(-time.Hour), Uptime: 3598,
			Database: Database{Up: true, Since: noon.Add(-time.Hour)},
			Stores:   []Store{{Store: "acme", Inbox: "in", Looked: noon}},
			Disks:    []Disk{{Place: "state", Path: "/var/lib/chute", Known: true, Free: 5 << 30, MinFree: 1 << 30}},
		},
		Jobs: []Job{{Schema: Schema, Job: "orders", Kind: "import", Store: "acme", Inbox: "in", State: "idle", Files: map[string]int{}, StuckAfter: 3600}},
	}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Snapshot)
		want   string // codes
		text   string // of the first
	}{
		"well":          {func(*Snapshot) {}, "", ""},
		"old heartbeat": {func(s *Snapshot) { s.Daemon.Heartbeat = noon.Add(-21 * time.Second) }, "stale-heartbeat", "the last heartbeat is 21s old: chute is dead or hangs (process 7)"},
		"nearly old":    {func(s *Snapshot) { s.Daemon.Heartbeat = noon.Add(-20 * time.Second) }, "", ""},
		"from tomorrow": {func(s *Snapshot) { s.Daemon.Heartbeat = noon.Add(time.Hour) }, "stale-heartbeat", "the last heartbeat lies 1h0m0s ahead: a clock was set back"},
		"stopped":       {func(s *Snapshot) { s.Daemon.Stopped = noon; s.Daemon.Database.Up = false }, "stopped", "chute was stopped at 2026-03-01T12:00:00Z"},
		"database down": {func(s *Snapshot) { s.Daemon.Database = Database{Since: noon, Reason: "refused"} }, "database-down", "the database is down since 2026-03-01T12:00:00Z: refused"},
		"blocked":       {func(s *Snapshot) { s.Daemon.Blocked = Blocked{noon, "no ledger"} }, "nothing-loaded", "no file can be loaded since 2026-03-01T12:00:00Z, all wait in their inboxes: no ledger"},
		"blocked by a full disk": {func(s *Snapshot) {
			s.Daemon.Blocked, s.Daemon.Disks[0].Below = Blocked{noon, "3 MiB left"}, true
		}, "disk-low", ""},
		"not asked yet": {func(s *Snapshot) { s.Daemon.Database = Database{} }, "", ""},
		"store": {func(s *Snapshot) {
			s.Daemon.Stores[0] = Store{Store: "acme", Inbox: "in", Failing: true, Since: noon, Reason: "gone"}
		}, "store-failing", "the inbox in of store acme can't be looked at since 2026-03-01T12:00:00Z: gone"},
		"store with several inboxes": {func(s *Snapshot) {
			s.Daemon.Stores = nil
			for i, inbox := range []string{"a", "b", "c"} {
				s.Daemon.Stores = append(s.Daemon.Stores, Store{Store: "acme", Inbox: inbox, Failing: true, Since: noon.Add(-time.Duration(i) * time.Minute), Reason: `list "` + inbox + `": another key`})
				s.Jobs = append(s.Jobs, Job{Job: inbox, Store: "acme", Inbox: inbox}, Job{Job: inbox + "2", Store: "globex", Inbox: inbox})
			}
			s.Jobs = append(s.Jobs, Job{Job: "d", Store: "acme", Inbox: "a"})
			s.Daemon.Stores = append(s.Daemon.Stores, Store{Store: "globex", Inbox: "a", Failing: true, Since: noon, Reason: "another key"}, Store{Store: "acme", Inbox: "d", Failing: true, Reason: "gone"})
		}, "store-failing store-failing store-failing", "3 inboxes of store acme, those of 4 jobs, can't be looked at since 2026-03-01T11:58:00Z: another key"},
		"lost store":   {func(s *Snapshot) { s.Daemon.Disks[0].Place, s.Daemon.Disks[0].Lost = "acme", "/s is empty" }, "store-failing", "store acme can't be used: /s is empty"},
		"disk":         {func(s *Snapshot) { s.Daemon.Disks[0].Below, s.Daemon.Disks[0].Free = true, 3<<20 }, "disk-low", "/var/lib/chute (state) has 3 MiB left, less than limits.min_free = 1024 MiB: no new files are claimed"},
		"disk unknown": {func(s *Snapshot) { s.Daemon.Disks[0] = Disk{Below: true} }, "", ""},
		"interrupted": {func(s *Snapshot) {
			s.Daemon.Queue.Interrupted = 1
			s.Jobs[0].Runs = []Run{{Run: 3, File: "a", Status: "interrupted"}}
		}, "run-interrupted", "1 run is interrupted: a person has to decide; job orders, run 3, a"},
		"stuck, job gone": {func(s *Snapshot) { s.Daemon.Queue.Stuck = 2 }, "run-stuck", "2 runs are stuck after too many errors"},
		"reload": {func(s *Snapshot) {
			s.Daemon.Configuration = Configuration{Loaded: noon, Refused: noon.Add(time.Minute), Problem: "orders.toml:4:9: no"}
		}, "reload-refused", "the configuration was refused at 2026-03-01T12:01:00Z, that of 2026-03-01T12:00:00Z stays in effect: orders.toml:4:9: no"},
		"held": {func(s *Snapshot) { s.Jobs[0].State, s.Jobs[0].Since, s.Jobs[0].Reason = Held, noon, "by hand" }, "job-held", "job orders is held since 2026-03-01T12:00:00Z: by hand"},
		"gone": {func(s *Snapshot) {
			s.Jobs[0].State, s.Jobs[0].Reason, s.Jobs[0].Runs, s.Jobs[0].RunsOut = Gone, "no store", []Run{{Run: 3, Status: "retrying"}}, 1
		}, "job-gone", "2 runs wait of job orders: no store"},
		"kept": {func(s *Snapshot) { s.Jobs[0].Kept = "no" }, "files-kept", "job orders can't take its files: no"},
		"late": {func(s *Snapshot) { s.Jobs[0].Oldest = noon.Add(-time.Hour - time.Second) }, "file-late", "a file of job orders waits since 2026-03-01T10:59:59Z, longer than stuck_after = 3600s"},
		"late, named": {func(s *Snapshot) {
			s.Jobs[0].Oldest = noon.Add(-2 * time.Hour)
			s.Jobs[0].Waiting = []File{{File: "dir.csv", State: "not a regular file"}, {File: "a.csv", State: "unreadable"}}
		}, "file-late", "a file of job orders waits since 2026-03-01T10:00:00Z, longer than stuck_after = 3600s; a.csv: unreadable"},
		"not late":   {func(s *Snapshot) { s.Jobs[0].Oldest = noon.Add(-time.Hour) }, "", ""},
		"never late": {func(s *Snapshot) { s.Jobs[0].Oldest, s.Jobs[0].StuckAfter = noon.Add(-1000*time.Hour), 0 }, "", ""},
		"delivery failed": {func(s *Snapshot) {
			s.Jobs[0].Runs = []Run{{Run: 3, File: "stock.csv", Status: "failed"}}
		}, "delivery-failed", "the last delivery of job orders has failed; run 3, stock.csv: chute show 3 tells why"},
		"delivery late": {func(s *Snapshot) {
			s.Jobs[0].Due, s.Jobs[0].State, s.Jobs[0].Reason = noon.Add(-time.Hour-time.Second), "paused", "no answer"
		}, "delivery-late", "the delivery of job orders that was due at 2026-03-01T10:59:59Z isn't made, longer than stuck_after = 3600s; paused: no answer"},
		"delivery not late": {func(s *Snapshot) { s.Jobs[0].Due = noon.Add(-time.Hour) }, "", ""},
		"the worst first": {func(s *Snapshot) {
			s.Jobs[0].State = Held
			s.Jobs = append(s.Jobs, Job{Job: "other", Oldest: noon.Add(-time.Hour), StuckAfter: 1})
			s.Daemon.Database = Database{Since: noon}
			s.Daemon.Queue.Stuck = 1
		}, "database-down run-stuck job-held file-late", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := well()
			c.change(&s)
			findings := Judge(s, noon)
			var codes []string
			for _, f := range findings {
				codes = append(codes, f.Code)
			}
			if got := strings.Join(codes, " "); got != c.want {
				t.Errorf("found %q, wanted %q", got, c.want)
			}
			if c.text != "" && findings[0].Text != c.text {
				t.Errorf("said %q\nwanted %q", findings[0].Text, c.text)
			}
		})
	}
}

// TestLine: whatever the texts hold, it is one line with one bar, and performance data behind it that can be taken apart.
func TestLine(t *testing.T) {
	s := well()
	s.Daemon.Disks[0].Place = "it's=|\nodd"
	s.Jobs[0].State, s.Jobs[0].Reason = Held, "a|b\nc\x1b[31m\u202e\u009b"
	s.Daemon.Queue.Stuck = 1
	s.Daemon.Database = Database{Since: noon, Reason: "x\u202e\u009b|\n"}
	for range 5 {
		s.Jobs = append(s.Jobs, s.Jobs[0])
	}
	line := Line(s, Judge(s, noon), noon)
	text, data, found := strings.Cut(line, " | ")
	if !found || strings.ContainsAny(text+data, "|\n\x1b\u202e\u009b") || !strings.HasPrefix(text, "CHUTE CRITICAL - the database is down") || !strings.HasSuffix(text, "; and 4 more") {
		t.Errorf("%q", line)
	}
	for _, one := range regexp.MustCompile(`('[^']*'|[^ ])+`).FindAllString(data, -1) {
		if !regexp.MustCompile(`^([a-z_]+|'[^'=]+')=-?\d+(s|B)?;[\d:]*;[\d:]*;0$`).MatchString(one) {
			t.Errorf("performance data %q", one)
		}
	}
}

// TestFolder: files come and go with what they tell, unchanged ones stay the same file, and who may read the folder may read them.
func TestFolder(t *testing.T) {
	state := t.TempDir()
	w := &Writer{Dir: filepath.Join(state, Dir)}
	s := well()
	s.Jobs = append(s.Jobs, Job{Schema: Schema, Job: "returns", Files: map[string]int{}})
	s.Progress = []Progress{{Schema: Schema, Run: 17, File: "a.csv", Percent: 3}}
	inode := func(name string) uint64 {
		t.Helper()
		info, err := os.Lstat(filepath.Join(w.Dir, name))
		must(t, err)
		return info.Sys().(*syscall.Stat_t).Ino
	}
	if _, err := Read(w.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before anything was written: %v", err)
	}
	must(t, w.Write(s))
	wantModes(t, w.Dir, 0o640)
	kept, err := os.Open(filepath.Join(w.Dir, "jobs/orders.json")) // its inode isn't given to another file meanwhile
	must(t, err)
	defer kept.Close()
	before := inode("jobs/orders.json")
	s.Daemon.Heartbeat = noon
	must(t, w.Write(s))
	if inode("jobs/orders.json") != before {
		t.Error("a file was written that says the same as before")
	}
	s.Jobs[0].State = "running"
	must(t, w.Write(s))
	if inode("jobs/orders.json") == before {
		t.Error("a file was changed in place, or not at all")
	}
	got, err := Read(w.Dir)
	must(t, err)
	got.Progress = s.Progress // which isn't read
	if want, have := encode(s), encode(got); string(want) != string(have) {
		t.Errorf("read\n%s\nwritten\n%s", have, want)
	}

	running, err := os.ReadFile(filepath.Join(w.Dir, "runs/17.json"))
	must(t, err)
	if !bytes.Equal(running, encode(s.Progress[0])) {
		t.Errorf("the run's file says %s", running)
	}
	s.Jobs, s.Progress = s.Jobs[:1], nil
	must(t, w.Write(s))
	if _, err := os.Lstat(filepath.Join(w.Dir, "runs/17.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file of a run that is over: %v", err)
	}
	if got, err := Read(w.Dir); err != nil || len(got.Jobs) != 1 {
		t.Errorf("%d jobs, %v", len(got.Jobs), err)
	}
	for _, dir := range []string{filepath.Dir(state), state, w.Dir, filepath.Join(w.Dir, "jobs")} {
		must(t, os.Chmod(dir, 0o755))
	}
	must(t, os.Remove(filepath.Join(w.Dir, "metrics.prom")))
	must(t, w.Write(s))
	wantModes(t, w.Dir, 0o644)
	if os.Getuid() == 0 {
		c := exec.Command("cat", filepath.Join(w.Dir, "daemon.json"), filepath.Join(w.Dir, "jobs/orders.json"))
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("another user: %v: %s", err, out)
		}
	}
}

// wantModes looks at every file, and that there are no others.
func wantModes(t *testing.T, dir string, mode fs.FileMode) {
	t.Helper()
	var names []string
	must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode() != mode {
			t.Errorf("%s has mode %v, wanted %v", name, info.Mode(), mode)
		}
		names = append(names, strings.TrimPrefix(name, dir+"/"))
		return err
	}))
	for _, want := range []string{"daemon.json", "jobs/orders.json", "metrics.prom"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s isn't among %q", want, names)
		}
	}
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, ".new") }) {
		t.Errorf("something is left: %q", names)
	}
}

// TestNothingHalf: a reader beside the writer finds a whole file at each moment.
func TestNothingHalf(t *testing.T) {
	w := &Writer{Dir: t.TempDir()}
	s := well()
	must(t, w.Write(s))
	done := make(chan error)
	go func() {
		var err error
		for i := 0; i < 50 && err == nil; i++ {
			s.Daemon.Uptime = int64(i)
			s.Jobs[0].Reason = strings.Repeat("x", i*400)
			err = w.Write(s)
		}
		done <- err
	}()
	for {
		if _, err := Read(w.Dir); err != nil {
			t.Error(err)
		}
		select {
		case err := <-done:
			must(t, err)
			return
		default:
		}
	}
}

// TestMetrics reads the text as strictly as its format says, and has Prometheus' own tool read it: a head before the first line of each family, each family in one piece, labels escaped, no
// line twice.
func TestMetrics(t *testing.T) {
	s := well()
	s.Jobs[0].Job = "a\"b\\c\nd\xff"
	s.Jobs[0].Oldest = noon
	s.Jobs[0].Files = map[string]int{"running": 2, "queued": 3, "settling": 4}
	s.Daemon.Unwanted = []Inbox{{Store: "acme", Inbox: "in", Files: map[string]int{"odd name": 1, "temporary name": 2}}}
	s.Jobs = append(s.Jobs, Job{Job: "out", Kind: "export", Delivered: 3, Rows: 1000, Bytes: 20_000, Latest: noon}, Job{Job: "never", Kind: "export"})
	text := string(Metrics(s))
	values := parseMetrics(t, text)
	lint := exec.Command("promtool", "check", "metrics")
	lint.Stdin = strings.NewReader(text)
	if said, err := lint.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("promtool: %v: %s", err, said)
	}
	for line, want := range map[string]int64{
		`chute_heartbeat_time_seconds`: noon.Unix() - 2,
		`chute_database_up`:            1,
		`chute_up`:                     1,
		`chute_export_delivered_files_total{job="out"}`:                  3,
		`chute_export_delivered_rows_total{job="out"}`:                   1000,
		`chute_export_delivered_bytes_total{job="out"}`:                  20_000,
		`chute_export_last_delivery_time_seconds{job="out"}`:             noon.Unix(),
		`chute_export_delivered_files_total{job="never"}`:                0,
		`chute_free_bytes{place="state"}`:                                5 << 30,
		`chute_unwanted_entries{store="acme",inbox="in"}`:                3,
		"chute_job_files{job=\"a\\\"b\\\\c\\nd\ufffd\",state=\"other\"}": 4,
		"chute_job_held{job=\"a\\\"b\\\\c\\nd\ufffd\"}":                  0,
	} {
		if got, found := values[line]; !found || got != want {
			t.Errorf("%s is %d (found: %t), wanted %d, in\n%s", line, got, found, want, text)
		}
	}
}

func parseMetrics(t *testing.T, text string) map[string]int64 {
	t.Helper()
	label := `[a-z_]+="(?:[^"\\\n]|\\[\\n"])*"`
	sample := regexp.MustCompile(`^((chute_[a-z_]+)(?:\{` + label + `(?:,` + label + `)*\})?) (-?\d+)$`)
	values, families := map[string]int64{}, map[string]bool{}
	family, helped := "", ""
	for line := range strings.Lines(text) {
		line, whole := strings.CutSuffix(line, "\n")
		if !whole {
			t.Error("the last line has no end")
		}
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			helped, _, _ = strings.Cut(rest, " ")
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			kind := " gauge"
			if strings.HasSuffix(helped, "_total") {
				kind = " counter"
			}
			if family = strings.TrimSuffix(rest, kind); family == rest || family != helped || families[family] {
				t.Errorf("the head %q: of another kind, without a help before it, or again", line)
			}
			families[family] = true
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || m[2] != family {
			t.Errorf("the line %q isn't one of %s", line, family)
			continue
		}
		if _, twice := values[m[1]]; twice {
			t.Errorf("%s twice", m[1])
		}
		values[m[1]], _ = strconv.ParseInt(m[3], 10, 64) // digits, as the expression says
	}
	return values
}

// TestLevels: levels are exit codes of plugins, and texts in JSON.
func TestLevels(t *testing.T) {
	for level, want := range map[Level]string{OK: `0 "ok"`, Warning: `1 "warning"`, Critical: `2 "critical"`, Unknown: `3 "unknown"`} {
		text, err := json.Marshal(level)
		must(t, err)
		if got := fmt.Sprintf("%d %s", level, text); got != want {
			t.Errorf("%s, wanted %s", got, want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
