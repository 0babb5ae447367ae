package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// model is what has to come out of a soak, whatever happens on the way: each delivery is in exactly one folder under its name, with its sidecars; of those with
// the same bytes one is loaded; the table has each good record of them once.
type model struct {
	deliveries []*delivery         // that weren't deleted by who delivered them
	contents   map[string]*content // by SHA-256 of the bytes
	names      int                 // so far, to make new ones
	numbers    int                 // contents so far
}

type delivery struct {
	name    string
	content []byte
	growing bool // somebody writes it, or wrote it, under this name
}

// content is what some bytes mean.
type content struct {
	text     []byte
	number   int  // its records are number*1000 …
	rejected bool // as a whole
	good     []int
	bad      int
}

func newModel() *model { return &model{contents: map[string]*content{}} }

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (m *model) know(c content) { m.contents[hash(c.text)] = &c }

func (m *model) add(name string, text []byte) *delivery {
	d := &delivery{name: name, content: text}
	m.deliveries = append(m.deliveries, d)
	return d
}

func (m *model) forget(d *delivery) {
	m.deliveries = slices.DeleteFunc(m.deliveries, func(other *delivery) bool { return other == d })
}

// pick chooses one of the last n deliveries.
func (m *model) pick(random *rand.Rand, n int) *delivery {
	if len(m.deliveries) == 0 {
		return nil
	}
	return m.deliveries[len(m.deliveries)-1-random.IntN(min(n, len(m.deliveries)))]
}

// newContent makes bytes that never came before: mostly a clean file, or one with bad records, a packed one, one that is at fault itself.
func (m *model) newContent(random *rand.Rand) (text []byte, extension string) {
	c, extension := m.clean(random), ".csv"
	switch random.IntN(8) {
	case 0, 1: // with bad records
		for range 1 + random.IntN(3) {
			c.bad++
			c.text = fmt.Appendf(c.text, "%d,many\n", c.number*1000+900+c.bad)
		}
	case 2: // without a last line end
		c.text = c.text[:len(c.text)-1]
	case 3:
		c.text, extension = packed(c.text), ".csv.gz"
	case 4: // packed, and cut short
		c.text, extension = packed(c.text), ".csv.gz"
		c.text, c.good, c.rejected = c.text[:len(c.text)-5], nil, true
	case 5: // another header
		c.text, c.good, c.rejected = append([]byte("name,town\n"), c.text...), nil, true
	}
	m.know(c)
	return c.text, extension
}

func (m *model) clean(random *rand.Rand) content {
	m.numbers++
	c := content{number: m.numbers, text: []byte("id,amount\n")}
	for j := range 1 + random.IntN(60) {
		c.good = append(c.good, j)
		c.text = fmt.Appendf(c.text, "%d,%d\n", c.number*1000+j, j)
	}
	return c
}

func packed(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text) // into memory
	_ = w.Close()
	return out.Bytes()
}

// loaded are the contents of which some delivery is left, and that aren't at fault themselves.
func (m *model) loaded() map[string]*content {
	all := map[string]*content{}
	for _, d := range m.deliveries {
		sum := hash(d.content)
		if c := m.contents[sum]; !c.rejected {
			all[sum] = c
		}
	}
	return all
}

func (m *model) records() (n int) {
	for _, c := range m.loaded() {
		n += len(c.good)
	}
	return n
}

// compare looks at everything that is to be seen from outside, and at the ledger.
func (m *model) compare(w *world, ts *testscript.TestScript) {
	differ := func(what string, want, got any) {
		if diff := cmp.Diff(want, got); diff != "" {
			ts.Fatalf("%s (- model, + chute):\n%s", what, diff)
		}
	}
	differ("runs", m.wantRuns(), w.endedRuns(ts))
	differ("files", m.wantFiles(), w.deliveredFiles(ts))
	differ("rows", m.wantRows(), strings.Split(w.ask(ts, "SELECT toString(intDiv(id, 1000)) AS file, toString(count()), toString(uniqExact(id)), toString(sum(amount)), "+
		"toString(uniqExact(_chute_run)) FROM zz_orders GROUP BY file ORDER BY file"), " / "))
	differ("staging tables", "0", w.ask(ts, "SELECT toString(count()) FROM system.tables WHERE name LIKE 'chute_stage_%' AND database = currentDatabase()"))
	for _, pattern := range []string{"store/in/*", "store/.chute/*/*", "state/chdb/*/chute_probe_*"} {
		left, err := filepath.Glob(filepath.Join(w.dir, pattern))
		ts.Check(err)
		differ("left in "+pattern, 0, len(left))
	}
}

// wantRows has a line for each loaded content: its records, each once, all of one run.
func (m *model) wantRows() (lines []string) {
	for _, c := range m.loaded() {
		sum := 0
		for _, amount := range c.good {
			sum += amount
		}
		lines = append(lines, fmt.Sprint(c.number, len(c.good), len(c.good), sum, 1))
	}
	slices.Sort(lines)
	return lines
}

// wantRuns has a line for each delivery but tells names and endings apart: which of some equal files is loaded is anyone's luck.
func (m *model) wantRuns() (lines []string) {
	for _, d := range m.deliveries {
		if m.contents[hash(d.content)].rejected {
			lines = append(lines, d.name+" rejected")
		} else {
			lines = append(lines, d.name+" of "+hash(d.content))
		}
	}
	copies := map[string]int{}
	for _, d := range m.deliveries {
		copies[hash(d.content)]++
	}
	for sum, c := range m.loaded() {
		status := "finished"
		if c.bad > 0 {
			status = "finished-with-rejects"
		}
		lines = append(lines, fmt.Sprintf("%s %s loaded=%d rejects=%d", sum, status, len(c.good), c.bad))
		for range copies[sum] - 1 {
			lines = append(lines, sum+" skipped loaded=0")
		}
	}
	slices.Sort(lines)
	return lines
}

func (w *world) endedRuns(ts *testscript.TestScript) (lines []string) {
	w.ledger(ts, "SELECT name, status, sha256, accepted, rejects FROM runs WHERE state <> 'withdrawn'", func(r *sql.Rows) error {
		var name []byte
		var status, sum string
		var accepted, rejects int
		err := r.Scan(&name, &status, &sum, &accepted, &rejects)
		switch status {
		case "rejected":
			lines = append(lines, string(name)+" rejected")
		case "skipped":
			lines = append(lines, string(name)+" of "+sum, fmt.Sprintf("%s skipped loaded=%d", sum, accepted))
		default:
			lines = append(lines, string(name)+" of "+sum, fmt.Sprintf("%s %s loaded=%d rejects=%d", sum, status, accepted, rejects))
		}
		return err
	})
	slices.Sort(lines)
	return lines
}

// wantFiles has a line for each delivery: its folder and bytes.
func (m *model) wantFiles() (lines []string) {
	for _, d := range m.deliveries {
		folder := "done"
		if m.contents[hash(d.content)].rejected {
			folder = "rejected"
		}
		lines = append(lines, folder+" "+hash(d.content))
	}
	slices.Sort(lines)
	return lines
}

// deliveredFiles are the delivered files in done and rejected. Each has its sidecars, which fit it, and nothing else lies there.
func (w *world) deliveredFiles(ts *testscript.TestScript) (lines []string) {
	for _, folder := range []string{"done", "rejected"} {
		dir := filepath.Join(w.dir, "store", folder)
		reports, err := filepath.Glob(filepath.Join(dir, "*.report.json"))
		ts.Check(err)
		explained := map[string]bool{}
		for _, report := range reports {
			stem := strings.TrimSuffix(report, ".report.json")
			content, err := os.ReadFile(stem)
			ts.Check(err)
			lines = append(lines, folder+" "+hash(content))
			r := checkReport(ts, report)
			for _, name := range []string{stem, stem + ".log", report} {
				explained[filepath.Base(name)] = true
			}
			if r.RejectFiles != nil {
				explained[r.RejectFiles.Records], explained[r.RejectFiles.Reasons] = true, true
			}
		}
		delete(explained, "") // a report without a file of records
		var there []string
		ts.Check(filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) { // no file had to go there so far
				return nil
			}
			if err == nil && !d.IsDir() {
				there = append(there, d.Name())
			}
			return err
		}))
		slices.Sort(there)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(explained)), there); diff != "" {
			ts.Fatalf("files of %s (- explained, + there):\n%s", folder, diff)
		}
	}
	slices.Sort(lines)
	return lines
}
