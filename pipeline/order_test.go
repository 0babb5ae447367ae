package pipeline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// traced are the calls whose order decides what a power cut leaves. readlink is how a child says where it is: see importChild.
const traced = "openat,renameat2,rename,renameat,link,linkat,mkdir,mkdirat,unlink,unlinkat,rmdir,fsync,fdatasync,sync_file_range,syncfs,readlinkat"

// sayEffect puts a mark into the trace.
func sayEffect(name string) { _, _ = os.Readlink("/effect/" + name) } // there is no such link

// TestOrder compares, with golden files, the order in which one run makes files and names and makes them durable, as the kernel sees it.
// No test can cut the power of a real disk; but which sync stands before which rename and before which commit of the ledger can be seen, and a sync that is
// left out or comes late is a difference here.
func TestOrder(t *testing.T) {
	if testing.Short() {
		return // strace makes it slow
	}
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(orders)
		w.drop("b.csv", "id,amount,note\n1,1.10,x\n2,2.20,y\n3,bad,z\n")
		w.wantOrder(w.Engine)
		w.wantFiles("done/b.csv", "done/b.csv.log", "done/b.csv.report.json", "done/b.rejects.csv", "done/b.rejects.jsonl")
	})
	t.Run("replace", func(t *testing.T) {
		w := newWorld(t, "chdb")
		w.beforeReplacing()
		w.close()
		w.wantOrder("replace")
		w.wantRows(sums, "13 70 3")
	})
}

// wantOrder traces a child that imports what waits.
func (w *world) wantOrder(name string) {
	w.t.Helper()
	got := reduce(w, w.traceChild())
	golden := filepath.Join("testdata", "order_"+name+".golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		w.t.Errorf("- %s, + this run:\n%s", golden, diff)
	}
	w.open()
	w.wantSettled()
}

// traceChild imports what waits in a child under strace and returns the trace, a line for each call that succeeded, in the order in which they returned.
func (w *world) traceChild() (lines []string) {
	w.t.Helper()
	text, err := json.Marshal(w.World)
	if err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(w.Dir, "trace")
	c := exec.CommandContext(w.ctx, "strace", "-f", "-qq", "-y", "-s", "1000", "-e", "signal=none", "-e", "trace="+traced, "-o", file, os.Args[0])
	c.Env = append(os.Environ(), childTask+"="+string(text))
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if said, err := c.CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, said)
	}
	trace, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	begun := map[string]string{} // by thread: the first half of a call during which others were made
	scan := bufio.NewScanner(bytes.NewReader(trace))
	for scan.Scan() {
		thread, call, _ := strings.Cut(scan.Text(), " ")
		call = strings.TrimSpace(call)
		if first, ok := strings.CutSuffix(call, " <unfinished ...>"); ok {
			begun[thread] = first
			continue
		}
		if _, second, ok := strings.Cut(call, " resumed>"); ok {
			call = begun[thread] + second
		}
		lines = append(lines, call)
	}
	return lines
}

var (
	callLine = regexp.MustCompile(`^(\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?`)
	// named is a name as a call has it: relative to a folder that is open, or what is open itself.
	named   = regexp.MustCompile(`\w+<([^>]*)>(?:, "([^"]*)")?`)
	pending = regexp.MustCompile(`[^/]*\.pending-\w+$`)
	ledgers = regexp.MustCompile(`\.chute/[a-z0-9]{10}`)
)

// orderLine is what is left of a call: what it did to which file or folder.
type orderLine struct{ verb, what, to string }

func (l orderLine) String() string {
	if l.to != "" {
		return l.verb + " " + l.what + " -> " + l.to
	}
	return l.verb + " " + l.what
}

// reduce leaves of a trace what is about the store and the state, and of the embedded engine its sync.
func reduce(w *world, lines []string) string {
	var order []orderLine
	final := map[string]string{} // names of files that are written before they have one
	folders := map[string]bool{}
	for _, line := range lines {
		m := callLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		var places []string
		for _, p := range named.FindAllStringSubmatch(m[2], -1) {
			name := p[2]
			if !filepath.IsAbs(name) {
				name = filepath.Join(p[1], name)
			}
			places = append(places, name)
		}
		if strings.Contains(m[2], "O_DIRECTORY") {
			folders[m[4]] = true
		}
		if l, ok := reduced(m[1], m[2], m[3], places); ok {
			if l.verb == "rename" && pending.MatchString(l.what) {
				final[l.what] = l.to
			}
			order = append(order, l)
		}
	}
	begin := slices.Index(order, orderLine{verb: "#", what: "enter"})
	end := slices.Index(order, orderLine{verb: "#", what: "end"})
	if begin < 0 || end < begin {
		w.t.Fatalf("the child didn't say where it begins and ends: %v", order)
	}
	order = order[begin+1 : end]
	show := func(name string) string {
		if n, ok := final[name]; ok {
			name = n + " (pending)"
		} else if folders[name] {
			name += "/"
		}
		name = strings.TrimPrefix(name, w.Dir+"/")
		return ledgers.ReplaceAllString(name, ".chute/LEDGER")
	}
	var out []orderLine
	for _, l := range order {
		if l.verb != "#" && (!strings.HasPrefix(l.what, w.Dir+"/") || strings.HasPrefix(l.what, w.Dir+"/chdb") && l.verb != "syncfs") {
			continue
		}
		if l.what = show(l.what); l.to != "" {
			l.to = show(l.to)
		}
		if l.what == "state/ledger.db-wal" {
			l = orderLine{verb: "commit", what: "the ledger"}
		}
		out = append(out, l)
	}
	return joined(untangled(out))
}

// reduced tells what a call did, if it is one whose order matters.
func reduced(call, arguments, result string, places []string) (l orderLine, ok bool) {
	name, isEffect := "", false
	if len(places) > 0 {
		name, isEffect = strings.CutPrefix(places[0], "/effect/")
	}
	switch {
	case isEffect:
		return orderLine{verb: "#", what: name}, true
	case len(places) == 0 || strings.HasPrefix(result, "-"):
		return l, false
	case call == "openat":
		return orderLine{verb: "create", what: name}, strings.Contains(arguments, "O_CREAT")
	case call == "fsync" || call == "fdatasync":
		return orderLine{verb: "sync", what: name}, true
	case call == "syncfs":
		return orderLine{verb: "syncfs", what: name}, true
	case strings.HasPrefix(call, "rename") || strings.HasPrefix(call, "link"):
		return orderLine{call[:min(len(call), len("rename"))], name, places[len(places)-1]}, true
	case strings.HasPrefix(call, "mkdir"):
		return orderLine{verb: "mkdir", what: name}, true
	default:
		return orderLine{verb: "remove", what: name}, strings.HasPrefix(call, "unlink") || call == "rmdir"
	}
}

// untangled sorts by file what is done between the table's making and the first sidecar: a file is read, and its refused records written, while the good ones are
// staged.
func untangled(order []orderLine) []orderLine {
	from := slices.Index(order, orderLine{verb: "#", what: "create table"}) + 1
	to := slices.IndexFunc(order, func(l orderLine) bool { return l.verb == "create" && strings.Contains(l.what, "/out/1.") })
	if from <= 0 || to < from {
		return order // the golden file will tell
	}
	key := func(l orderLine) string {
		if l.verb == "#" || l.verb == "commit" {
			return ""
		}
		return l.what
	}
	slices.SortStableFunc(order[from:to], func(a, b orderLine) int { return strings.Compare(key(a), key(b)) })
	return order
}

func joined(order []orderLine) string {
	var out strings.Builder
	for _, l := range order {
		fmt.Fprintln(&out, l)
	}
	return out.String()
}
