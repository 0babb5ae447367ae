package status

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"chute/pipeline/ledger"
)

// PageFile is the status page: one file, with nothing outside of it, that a browser opens from the disk.
const PageFile = "index.html"

// rowsOnPage are how many rows of each kind the page has at most, whatever waits.
const rowsOnPage = 40

// Page is what the page tells besides the other files.
type Page struct {
	Snapshot
	Every  time.Duration   // how often it is written
	Last   []Past          // the last runs of all jobs, the newest first
	LastOf map[string]Past // the last run of each job
	Hours  []ledger.Hour   // those of the last 30 days in which runs ended, in order
}

// Past is a run as the page has it. What went wrong with it isn't on the page: an error may repeat values of records.
type Past struct {
	Run                      uint64
	Kind, Job, File, Status  string // the file's name is escaped
	Records, Loaded, Rejects uint64
	Started, Finished        time.Time
}

// Exported tells whether the run's records went out.
func (p Past) Exported() bool { return p.Kind == ledger.Export }

// Took is how long the run took.
func (p Past) Took() time.Duration { return p.Finished.Sub(p.Started) }

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"number":  func(n any) string { return message.NewPrinter(language.English).Sprint(n) },
	"tone":    func(word any) string { return tone(fmt.Sprint(word)) },
	"took":    took,
	"seconds": func(s int64) string { return took(time.Duration(s) * time.Second) },
}).Parse(pageText))

// styleHash lets the page's own style in and nothing else: whatever got into the page by a name couldn't run, fetch or change the look of anything.
var styleHash = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}()

// WritePage replaces the page.
func (w *Writer) WritePage(p Page) error {
	text, err := p.render()
	if err != nil {
		return err
	}
	return w.write(PageFile, text)
}

func (p Page) render() ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, p.view())
	return b.Bytes(), err
}

// view is the page in the order and the words in which it is shown.
type view struct {
	Page
	Written     time.Time
	Style       template.CSS
	StyleHash   string
	Level       string
	Findings    []Finding
	FindingsOut int
	Tiles       []tile
	Running     []Progress
	RunningOut  int
	Jobs        []jobRow
	Waiting     []waitingRow
	WaitingOut  int
	Unwell      []unwellRow
	Periods     []period
	Exports     bool // there are some

	Surroundings []surrounding

	ChartLeft, ChartRight, ChartLabel, ChartFoot int
}

type tile struct {
	Name  string
	Value uint64
	Bad   bool
}

type jobRow struct {
	Job
	Last *Past
}

// InInbox is how many of the job's files are in its inbox and not being loaded.
func (j jobRow) InInbox() (n int) {
	for state, count := range j.Files {
		if state != "running" {
			n += count
		}
	}
	return n
}

type waitingRow struct {
	Job string
	File
}

type unwellRow struct {
	Job string
	Run
}

func (p Page) view() view {
	now := p.Daemon.Heartbeat
	exports := slices.ContainsFunc(p.Jobs, func(j Job) bool { return j.Kind == ledger.Export })
	findings := Judge(p.Snapshot, now)
	v := view{
		Page: p, Written: now, Style: template.CSS(pageStyle), StyleHash: styleHash, Level: Worst(findings).String(), Findings: findings,
		Running: p.Progress, Surroundings: surroundings(p.Daemon), Periods: periods(p.Hours, now, exports), Exports: exports,
		ChartLeft: chartLeft, ChartRight: chartWidth, ChartLabel: chartLeft - 6, ChartFoot: chartHeight - 4,
	}
	if more := len(findings) - rowsOnPage; more > 0 {
		v.Findings, v.FindingsOut = findings[:rowsOnPage], more
	}
	if more := p.Daemon.Queue.Running - len(p.Progress); more > 0 {
		v.RunningOut = more
	}
	v.Tiles = tiles(p.Daemon.Queue, v.Periods[0].Rows, exports)
	v.jobs(p)
	return v
}

// jobs shows the jobs with what waits of them, and the entries that no job takes.
func (v *view) jobs(p Page) {
	total := 0
	for _, job := range p.Jobs {
		row := jobRow{Job: job}
		if last, found := p.LastOf[job.Job]; found {
			row.Last = &last
		}
		v.Jobs = append(v.Jobs, row)
		total += row.InInbox()
		for _, f := range job.Waiting {
			if f.State != "running" {
				v.Waiting = append(v.Waiting, waitingRow{job.Job, f})
			}
		}
		for _, run := range job.Runs {
			v.Unwell = append(v.Unwell, unwellRow{job.Job, run})
		}
	}
	for _, in := range p.Daemon.Unwanted {
		for _, n := range in.Files {
			total += n
		}
		for _, f := range in.Entries {
			v.Waiting = append(v.Waiting, waitingRow{"", f})
		}
	}
	slices.SortStableFunc(v.Waiting, func(a, b waitingRow) int { return a.Since.Compare(b.Since) })
	slices.SortStableFunc(v.Unwell, func(a, b unwellRow) int { return cmp.Compare(b.Run.Run, a.Run.Run) })
	v.Waiting, v.Unwell = v.Waiting[:min(len(v.Waiting), rowsOnPage)], v.Unwell[:min(len(v.Unwell), rowsOnPage)]
	v.WaitingOut = max(total-len(v.Waiting), 0)
}

func tiles(q Queue, day []span, exports bool) []tile {
	var runs, loaded, refused, exported uint64
	for _, s := range day {
		runs, loaded, refused, exported = runs+s.Runs, loaded+s.Loaded, refused+s.Rejects, exported+s.Exported
	}
	unwell := uint64(q.Stuck + q.Interrupted)
	all := []tile{
		{"files wait", uint64(q.Waiting), false}, {"are being loaded", uint64(q.Running), false}, {"runs are tried again", uint64(q.Retrying), false},
		{"runs need a person", unwell, unwell > 0}, {"runs in 24 hours", runs, false}, {"records loaded in 24 hours", loaded, false},
		{"records refused in 24 hours", refused, false},
	}
	if exports {
		all = append(all, tile{"records exported in 24 hours", exported, false})
	}
	return all
}
