package status

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chute/config"
	"chute/pipeline/ledger"
)

var pictures = flag.String("pictures", "", "a `FOLDER` for pictures of the status page")

// hostile are names of files that partners may choose, and what an error may repeat of them.
var hostile = []string{
	`<script>hacked=1</script>`, `"><img src=x onerror="hacked=1">`, `</title></style><style>body{display:none}</style>`, `javascript:hacked=1`,
	`{{.Daemon}}`, "\u202egnp.exe", "a\x1b[31mb\nc", "&lt;b&gt;", "orders_" + strings.Repeat("ä", 45) + ".csv", `' onmouseover='hacked=1`, `--><script>hacked=1</script>`,
	"http://example.com/x.csv", "\xff\xfe", "]]>", "<!--",
}

// busyPage is a page with all there may be on it.
func busyPage() Page {
	s := well()
	s.Daemon.Version, s.Daemon.Queue = "1.4.0", Queue{Waiting: 1260, Queued: 14, Running: 2, Unwanted: 3, Retrying: 1, Stuck: 1, Held: 1}
	s.Daemon.Stores = append(s.Daemon.Stores, Store{Store: "globex", Inbox: "outgoing", Failing: true, Since: noon.Add(-8 * time.Minute), Reason: "dial tcp 10.3.7.1:22: connection refused"})
	since := func(minutes int) time.Time { return noon.Add(time.Duration(-minutes) * time.Minute) }
	s.Jobs = []Job{
		{Job: "acme-orders", Label: "Orders from Acme", Kind: "import", Store: "acme", Inbox: "in", State: "running", Files: map[string]int{"running": 2, "queued": 14}},
		{Job: "acme-returns", Label: "Returns", Kind: "import", Store: "acme", Inbox: "returns", State: Held, Since: since(75), Reason: "3 files in a row were rejected: " + hostile[1],
			Files: map[string]int{Held: 1231}, LeftOut: 1211},
		{Job: "globex-stock", Label: "Stock levels", Kind: "import", Store: "globex", Inbox: "outgoing", State: "paused", Until: noon.Add(4 * time.Minute), Reason: "ch1:9440 is not reachable: connection refused"},
		{Job: "stock-daily", Label: "Stock for Globex", Kind: "export", Store: "globex", Outbox: "incoming/%Y", State: "idle", NextDue: noon.Add(18 * time.Hour)},
		{Job: "prices", Kind: "import", Store: "acme", Inbox: "prices", State: "idle"},
	}
	for i := range 14 {
		s.Jobs[0].Waiting = append(s.Jobs[0].Waiting, File{File: fmt.Sprintf("orders_202603010%02d.csv", i), State: "queued", Reason: fmt.Sprintf("queued behind %d files", i), Next: "it is claimed when it is its turn", Since: since(3)})
	}
	for i, name := range hostile {
		s.Jobs[1].Waiting = append(s.Jobs[1].Waiting, File{File: config.Shown(name), State: Held, Reason: "the job is held since 2026-03-01T10:45:00Z by hand: " + name, Next: "nothing until `chute release acme-returns`", Since: since(70 - i)})
	}
	s.Jobs[0].Runs = []Run{{Run: 4310, File: "orders_20260228.csv", Status: "stuck", Tries: 10, Started: since(400)}, {Run: 4318, File: config.Shown(hostile[0]), Status: "retrying", Tries: 1, Started: since(9)}}
	s.Daemon.Unwanted = []Inbox{{Store: "acme", Inbox: "in", Files: map[string]int{"no job matches": 3}, Entries: []File{{File: config.Shown(hostile[2]), State: "no job matches", Reason: "no job's pattern fits", Next: "nothing", Since: since(1500)}}}}
	s.Progress = []Progress{
		{Run: 4321, Job: "acme-orders", File: "orders_20260301.csv", Step: "load", Percent: 37, Records: 1843211, Rejects: 12, Elapsed: 21, Left: 36},
		{Run: 4322, Job: "acme-orders", File: config.Shown(hostile[0]), Step: "publish", Percent: 100, Records: 400, Elapsed: 1},
	}
	p := Page{Snapshot: s, Every: 15 * time.Second, LastOf: map[string]Past{}}
	statuses := []string{"finished", "finished", "finished", "finished-with-rejects", "finished", "rejected", "skipped"}
	for i := range 30 {
		past := Past{Run: uint64(4320 - i), Job: "acme-orders", File: fmt.Sprintf("orders_202602%02d.csv", 28-i%28), Status: statuses[i%7], Records: uint64(150_000 - 997*i), Started: since(12 * (i + 1))}
		past.Loaded, past.Finished = past.Records, past.Started.Add(time.Duration(700+31*i)*time.Millisecond)
		if i%7 == 3 {
			past.Rejects, past.Loaded = 17, past.Records-17
		}
		if i < len(hostile) && i%2 == 1 {
			past.File = config.Shown(hostile[i])
		}
		p.Last = append(p.Last, past)
	}
	out := &p.Last[2]
	out.Kind, out.Job, out.File, out.Records, out.Loaded = ledger.Export, "stock-daily", "stock_20260301_57.csv.gz", 52_107, 0
	p.LastOf["stock-daily"] = *out
	p.LastOf["acme-orders"], p.LastOf["acme-returns"] = p.Last[0], p.Last[5]
	chance := rand.New(rand.NewPCG(1, 2))
	for i := range 24 * HistoryDays {
		start := noon.Add(time.Duration(i+1-24*HistoryDays) * time.Hour)
		if n := uint64(chance.IntN(9)); n > 2 && start.Hour() > 4 {
			p.Hours = append(p.Hours, ledger.Hour{Start: start, Runs: n, Loaded: n * uint64(100_000+chance.IntN(90_000)), Rejects: uint64(chance.IntN(40)) * (n / 6), Took: time.Duration(n*uint64(900+chance.IntN(2500))) * time.Millisecond, Longest: 9 * time.Second})
			if start.Hour() == 6 {
				p.Hours[len(p.Hours)-1].Exported = uint64(50_000 + chance.IntN(4000))
			}
		}
	}
	return p
}

// TestPage: a browser opens the page from the disk. All is there to see and to hear, nothing is fetched, nothing that a partner named runs or changes
// anything, and it fits on a phone.
func TestPage(t *testing.T) {
	w := &Writer{Dir: t.TempDir()}
	must(t, w.Write(busyPage().Snapshot))
	must(t, w.WritePage(busyPage()))
	path := filepath.Join(w.Dir, PageFile)
	b := newBrowser(t)
	b.looks(1200, "light")
	b.open(path)

	text := b.eval(`document.body.textContent.replace(/\s+/g, " ")`)
	for _, want := range []string{
		"chute CRITICAL", "As of 2026-03-01 11:59:58 UTC", "job acme-returns is held since", "1 run is stuck", "37 %, load", "1,843,211", "orders_20260301.csv", "36 s",
		"queued behind 13 files", "nothing until `chute release acme-returns`", "no job's pattern fits", "finished-with-rejects", "10.3.7.1:22: connection refused", "And 1,218 more", "globex: incoming/%Y", "next delivery 2026-03-02 06:00:00",
		"records exported in 24 hours", "Records exported", "stock_20260301_57.csv.gzfinished–––52,107",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page doesn't say %q", want)
		}
	}
	names := b.eval(`[...document.querySelectorAll("bdi")].map(e => e.textContent).join("\n")`)
	for _, name := range hostile {
		if !strings.Contains(names, config.Shown(name)) {
			t.Errorf("the page doesn't name %q as it is", name)
		}
	}
	for expression, want := range map[string]string{
		`typeof hacked`: "undefined",
		`document.querySelectorAll("script, img, iframe, object, form, link, [onerror], [onmouseover], [style]").length`: "0",
		`[...document.querySelectorAll("a")].filter(a => !a.getAttribute("href").startsWith("#")).length`:                "0",
		`[...document.querySelectorAll("nav a")].filter(a => !document.querySelector(a.getAttribute("href"))).length`:    "0",
		`document.querySelectorAll("style").length`:                                                                      "1",
		`getComputedStyle(document.body).display`:                                                                        "block",
		`document.documentElement.scrollWidth <= innerWidth`:                                                             "true",
		`document.querySelectorAll("#day + .charts svg rect").length > 20`:                                               "true",
		`[...document.querySelectorAll("table")].filter(t => !t.caption).length`:                                         "0",
		`[...document.querySelectorAll("svg")].filter(s => !s.ariaLabel).length`:                                         "0",
		`document.documentElement.lang + new Set([...document.querySelectorAll("[id]")].map(e => e.id)).size`:            "en" + b.eval(`document.querySelectorAll("[id]").length`),
	} {
		if got := b.eval(expression); got != want {
			t.Errorf("%s is %s, wanted %s", expression, got, want)
		}
	}
	shots := map[string][]byte{}
	for _, look := range []struct {
		width  int
		scheme string
	}{{390, "light"}, {1200, "light"}, {1200, "dark"}} {
		b.looks(look.width, look.scheme)
		if wide := b.eval(`document.documentElement.scrollWidth`); wide != fmt.Sprint(look.width) {
			t.Errorf("in a window of %d the page is %s wide", look.width, wide)
		}
		if contrast := b.eval(worstContrast); contrast != "fine" {
			t.Errorf("%s colours: %s", look.scheme, contrast)
		}
		if look.scheme == "light" {
			b.wantSpoken()
		}
		if *pictures != "" {
			b.pictures(filepath.Join(*pictures, look.scheme+fmt.Sprint("-", look.width)))
		}
		shots[look.scheme] = b.picture(0, b.height)
	}
	if bytes.Equal(shots["light"], shots["dark"]) {
		t.Error("light and dark look the same")
	}
	if asked := b.all("Network.requestWillBeSent"); len(asked) != 1 || !strings.Contains(asked[0], `"url":"file://`+path+`"`) {
		t.Errorf("asked for %q", asked)
	}
	if said := append(b.all("Log.entryAdded"), b.all("Runtime.consoleAPICalled")...); len(said) > 0 {
		t.Errorf("on the console: %q", said)
	}

	// Were a name to get in one day as it is, it still couldn't do anything.
	b.eval(`document.body.insertAdjacentHTML("beforeend", "<img src='file:///etc/passwd' onerror='hacked=1'><button id=b onclick='hacked=1'>x</button>"), document.getElementById("b").click()`)
	b.eval(`document.body.append(Object.assign(document.createElement("script"), {textContent: "hacked=1"}))`)
	if got := b.eval(`typeof hacked`); got != "undefined" {
		t.Error("what gets into the page can run")
	}
}

// wantSpoken: tables have names, and are tables also where they look like cards; headings lead through the page.
func (b *browser) wantSpoken() {
	b.t.Helper()
	spoken := b.spoken()
	for _, want := range []string{"The last runs, the newest first", "Each job, how it is doing, and the last run of it", "Files in inboxes, the longest waiting first: why, and what happens next"} {
		if !slices.Contains(spoken["table"], want) {
			b.t.Errorf("in a window of %d a screen reader finds the tables %q", b.width, spoken["table"])
		}
	}
	if headings := spoken["heading"]; len(headings) < 9 || headings[1] != "What needs attention" {
		b.t.Errorf("in a window of %d a screen reader finds the headings %q", b.width, headings)
	}
	if cells := spoken["cell"]; len(cells) < 100 || len(spoken["rowheader"]) < 40 {
		b.t.Errorf("in a window of %d a screen reader finds %d cells and %d heads of rows", b.width, len(cells), len(spoken["rowheader"]))
	}
}

// worstContrast compares each text's colour with what is behind it: 4.5 to 1 is what WCAG 2 asks for.
const worstContrast = `(() => {
	const parse = c => c.match(/[\d.]+/g).map(Number);
	const light = c => { const [r, g, b] = parse(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
	const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (parse(c)[3] !== 0) return c } return "rgb(255, 255, 255)" };
	let worst = 21, where = "";
	for (const e of document.querySelectorAll("body *")) {
		if (e.localName === "title" || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
		const style = getComputedStyle(e), a = light(e.closest("svg") ? style.fill : style.color), b = light(behind(e));
		const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (contrast < worst) { worst = contrast; where = e.className + " " + e.textContent.slice(0, 40) }
	}
	return worst >= 4.5 ? "fine" : worst + " at " + where;
})()`

// TestPageIsBounded: however much waits, the page has a size that a browser and a person can take in.
func TestPageIsBounded(t *testing.T) {
	p := busyPage()
	long := strings.Repeat("<", 255)
	for range 100 {
		for j := range p.Jobs {
			p.Jobs[j].Waiting = append(p.Jobs[j].Waiting, File{File: long, Reason: long})
			p.Jobs[j].Runs = append(p.Jobs[j].Runs, Run{File: long, Status: "stuck"})
		}
	}
	before := len(p.Jobs)
	text, err := p.render()
	must(t, err)
	for range 100 {
		p.Jobs = append(p.Jobs, p.Jobs[:before]...)
	}
	more, err := p.render()
	must(t, err)
	if each := (len(more) - len(text)) / (100 * before); len(text) > 1<<20 || each > 3<<10 {
		t.Errorf("%d bytes, and %d for each further job", len(text), each)
	}
	if n := bytes.Count(more, []byte(long[:1])); n == 0 {
		t.Error("nothing was written")
	}
}

// TestEmptyPage: the page of the first second.
func TestEmptyPage(t *testing.T) {
	p := Page{Snapshot: Snapshot{Daemon: Daemon{Schema: Schema, Heartbeat: noon, StaleAfter: 20, Started: noon}}, Every: time.Second}
	text, err := p.render()
	must(t, err)
	for _, want := range []string{"All is well.", "Nothing is being loaded.", "There are no jobs.", "No file waits.", "Nothing has run yet.", "it was not asked yet"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("it doesn't say %q", want)
		}
	}
}

// TestSpansOfTime: each hour is in its bar of the day and of the month, and none twice.
func TestSpansOfTime(t *testing.T) {
	hours := []ledger.Hour{
		{Start: noon.Add(-24 * time.Hour), Runs: 1, Loaded: 1},                           // yesterday at noon: not among the last 24
		{Start: noon.Add(-23 * time.Hour), Runs: 2, Loaded: 10},                          // the first of them
		{Start: noon, Runs: 1, Loaded: 100, Took: 3 * time.Second},                       // now
		{Start: noon.AddDate(0, 0, -29).Truncate(24 * time.Hour), Loaded: 1000, Runs: 1}, // the first of the month
		{Start: noon.AddDate(0, 0, -30), Runs: 1, Loaded: 10000},
	}
	all := periods(hours, noon, false)
	got := ""
	for _, p := range all {
		for _, s := range p.Rows {
			got += fmt.Sprintf("%s %s %d %d %v\n", p.ID, s.Start.Format("01-02 15"), s.Runs, s.Loaded, s.Mean())
		}
		got += p.Charts[0].Summary + "\n"
	}
	want := "day 03-01 12 1 100 3s\nday 02-28 13 2 10 0s\n110 in all, at most 100, 12:00\n" +
		"month 03-01 00 1 100 3s\nmonth 02-28 00 3 11 0s\nmonth 01-31 00 1 1000 0s\n1,111 in all, at most 1,000, Jan 31\n"
	if got != want {
		t.Errorf("got\n%s\nwanted\n%s", got, want)
	}
}

func TestScale(t *testing.T) {
	for v, want := range map[float64]float64{0: 2, 1: 2, 2: 2, 3: 4, 5: 6, 7: 8, 9: 10, 11: 20, 99: 100, 101: 200, 1_000_000: 1_000_000, 1_000_001: 2_000_000} {
		if got := measures[0].scale(v); got != want {
			t.Errorf("the scale for %v ends at %v, wanted %v", v, got, want)
		}
	}
	if got := measures[2].scale(0.03); got < 0.039 || got > 0.041 {
		t.Errorf("the scale for 30 ms ends at %v", got)
	}
}
