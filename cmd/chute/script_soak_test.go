package main

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

var (
	soakKills = flag.Int("kills", 0, "how often the soak kills the daemon; 0: as often as its script says")
	soakSeed  = flag.Uint64("seed", 0, "seed of what the soak does; 0: the one that its script says")
)

// soak is a row of random rounds: partners do things to the inbox while a daemon starts and works, and it is killed. It keeps a model of what has to
// come out (script_model_test.go).
type soak struct {
	*model
	w       *world
	ts      *testscript.TestScript
	random  *rand.Rand
	outages bool           // the server goes away and comes back, too
	growing []*growth      // files that somebody is still writing, in the inbox
	away    int            // rounds for which the server stays away
	down    bool           // it is
	behind  int            // files that weren't through when the daemon was killed
	done    map[string]int // what happened, how often
}

// growth is a file that is being written under its real name.
type growth struct {
	file *os.File
	rest []byte
}

// soak kills the daemon so many times: soak SEED KILLS [outages].
func (w *world) soak(ts *testscript.TestScript, args []string) {
	seed, kills := uint64(number(ts, args[0])), number(ts, args[1])
	if *soakSeed != 0 {
		seed = *soakSeed
	}
	if *soakKills != 0 {
		kills = *soakKills
	}
	ts.Logf("soak on %s with -seed %d -kills %d", w.engine, seed, kills)
	s := &soak{model: newModel(), w: w, ts: ts, random: rand.New(rand.NewPCG(seed, 0)), outages: len(args) > 2, done: map[string]int{}}
	began := time.Now()
	for k := range kills {
		s.round()
		if (k+1)%100 == 0 || k+1 == kills {
			s.letAlone()
		}
	}
	for _, what := range slices.Sorted(maps.Keys(s.done)) {
		ts.Logf("%6d %s", s.done[what], what)
	}
	ts.Logf("%6d files, %d records loaded, in %v: no difference", len(s.deliveries), s.records(), time.Since(began).Round(time.Second))
}

// letAlone has a daemon finish everything, and compares.
func (s *soak) letAlone() {
	for len(s.growing) > 0 {
		s.endGrowth()
	}
	s.serverBack()
	s.w.start(s.ts, false, nil)
	for s.behind = len(s.deliveries); s.behind > 0; { // each file has the script's patience
		settled := len(s.deliveries) - s.behind
		s.w.until(s.ts, fmt.Sprintf("more than %d of %d settled runs", settled, len(s.deliveries)), func() bool {
			return s.w.countRuns(s.ts, "state = 'settled'") > settled
		})
		s.behind = len(s.deliveries) - s.w.countRuns(s.ts, "state = 'settled'")
	}
	s.w.stop(s.ts)
	s.compare(s.w, s.ts)
}

// round is one life of the daemon. What it finds at its start is what the killed one before left.
func (s *soak) round() {
	acts := 0
	if s.behind < 20 { // else there is enough to do
		acts = 3
		s.drop()
	}
	for range s.random.IntN(acts + 1) {
		s.act()
	}
	s.w.daemon = s.w.launch(s.ts)
	for range s.random.IntN(acts + 1) {
		s.pause(150 * time.Millisecond)
		s.act()
	}
	s.done[s.awaitMoment()]++
	select {
	case <-s.w.daemon.exited:
		s.ts.Fatalf("the daemon ended by itself (%v); end of its log:\n%s", s.w.daemon.cmd.ProcessState, s.w.logTail())
	default:
	}
	s.w.kill9(s.ts)
	s.noteStates()
	if s.away--; s.away < 0 {
		s.serverBack()
	}
}

// pause lets a random moment pass. Nothing is waited for: the moment is what is random.
func (s *soak) pause(longest time.Duration) {
	time.Sleep(time.Duration(s.random.Int64N(int64(longest))))
}

// awaitMoment waits for the moment at which the daemon is to be killed, and says which it is.
func (s *soak) awaitMoment() string {
	kind := s.random.IntN(4)
	if s.down || kind == 0 {
		s.pause(600 * time.Millisecond)
		return "killed within 600 ms after the start"
	}
	for began := time.Now(); !s.awaitLedger(2 * time.Second); {
		if time.Since(began) > patience {
			s.ts.Fatalf("the ledger doesn't change; end of the log:\n%s", s.w.logTail())
		}
		s.drop() // what was there may have been deleted
	}
	if kind == 1 {
		s.pause(600 * time.Millisecond)
		return "killed within 600 ms after the first ledger change"
	}
	for range s.random.IntN(6) {
		if !s.awaitLedger(300 * time.Millisecond) {
			return "killed when the ledger had come to rest"
		}
	}
	s.pause(50 * time.Millisecond)
	return "killed within 50 ms after a ledger change"
}

// awaitLedger waits for a change of the ledger's write-ahead log.
func (s *soak) awaitLedger(longest time.Duration) bool {
	look := func() string {
		info, err := os.Stat(filepath.Join(s.w.dir, "state/ledger.db-wal"))
		if err != nil {
			return ""
		}
		return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
	}
	before := look()
	for began := time.Now(); time.Since(began) < longest; time.Sleep(time.Millisecond) {
		if look() != before {
			return true
		}
	}
	return false
}

// noteStates looks how far behind the daemon is, and counts what runs were in the middle of when they were cut off.
func (s *soak) noteStates() {
	s.behind = len(s.deliveries) - s.w.countRuns(s.ts, "state = 'settled'")
	s.w.ledger(s.ts, "SELECT DISTINCT state FROM runs WHERE state NOT IN ('settled', 'withdrawn')", func(r *sql.Rows) error {
		var state string
		err := r.Scan(&state)
		s.done["killed with runs "+state]++
		return err
	})
}

// act does one thing that partners do, or that happens to servers.
func (s *soak) act() {
	actions := []func(){
		s.drop, s.drop, s.drop, s.again, s.again, s.change, s.grow, s.grow,
		func() { s.touchInbox("renamed", s.rename) },
		func() { s.touchInbox("deleted", s.delete) },
		func() { s.touchInbox("clock jumped for", s.jump) },
	}
	if s.outages && s.w.daemon != nil && !s.down {
		actions = append(actions, s.serverAway)
	}
	actions[s.random.IntN(len(actions))]()
}

// drop delivers a new file.
func (s *soak) drop() {
	content, extension := s.newContent(s.random)
	s.deliver(s.newName("file", extension), content, "dropped")
}

// again delivers bytes that came before, under the same name or another.
func (s *soak) again() {
	if d := s.pick(s.random, len(s.deliveries)); d != nil {
		name := d.name
		if s.random.IntN(2) == 0 {
			name = s.newName("copy", extensionOf(name))
		}
		s.deliver(name, d.content, "dropped once more")
	}
}

// change delivers new bytes under a name that came before.
func (s *soak) change() {
	if d := s.pick(s.random, len(s.deliveries)); d != nil && extensionOf(d.name) == ".csv" {
		content := s.clean(s.random)
		s.deliver(d.name, content.text, "dropped with new bytes", content)
	}
}

// deliver puts a file into the inbox by a rename, as careful partners do. A file that waits there under this name is left alone.
func (s *soak) deliver(name string, text []byte, what string, news ...content) {
	part := filepath.Join(s.w.dir, "store/in", name+".part")
	s.ts.Check(os.WriteFile(part, text, 0o644))
	err := unix.Renameat2(unix.AT_FDCWD, part, unix.AT_FDCWD, strings.TrimSuffix(part, ".part"), unix.RENAME_NOREPLACE)
	if errors.Is(err, fs.ErrExist) {
		s.ts.Check(os.Remove(part))
		return
	}
	s.ts.Check(err)
	for _, c := range news {
		s.know(c)
	}
	s.add(name, text)
	s.done["files "+what]++
}

// grow begins a file under its real name, or ends one: chute sees that somebody has it open.
func (s *soak) grow() {
	if len(s.growing) > 0 && (len(s.growing) > 2 || s.random.IntN(2) == 0 || s.w.daemon == nil) {
		s.endGrowth()
		return
	}
	c := s.clean(s.random)
	s.know(c)
	name := s.newName("grown", ".csv")
	f, err := os.OpenFile(filepath.Join(s.w.dir, "store/in", name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	s.ts.Check(err)
	half := s.random.IntN(len(c.text))
	_, err = f.Write(c.text[:half])
	s.ts.Check(err)
	s.growing = append(s.growing, &growth{f, c.text[half:]})
	s.add(name, c.text).growing = true
	s.done["files grown"]++
}

func (s *soak) endGrowth() {
	g := s.growing[0]
	s.growing = s.growing[1:]
	_, err := g.file.Write(g.rest)
	s.ts.Check(errors.Join(err, g.file.Close()))
}

// touchInbox does something to a file that is in the inbox, if it still is: chute may take it at the same moment, and then has it.
func (s *soak) touchInbox(what string, do func(d *delivery, name string) error) {
	d := s.pick(s.random, 6)
	if d == nil || d.growing {
		return
	}
	err := do(d, filepath.Join(s.w.dir, "store/in", d.name))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	s.ts.Check(err)
	s.done["files "+what]++
}

func (s *soak) rename(d *delivery, file string) error {
	name := s.newName("renamed", extensionOf(d.name))
	err := os.Rename(file, filepath.Join(filepath.Dir(file), name))
	if err == nil {
		d.name = name
	}
	return err
}

func (s *soak) delete(d *delivery, file string) error {
	err := os.Remove(file)
	if err == nil {
		s.forget(d)
	}
	return err
}

// jump sets a file's time years ahead or back, as a partner's wrong clock does.
func (s *soak) jump(_ *delivery, file string) error {
	when := time.Now().Add(time.Duration(s.random.Int64N(int64(20*365*24*time.Hour))) - 10*365*24*time.Hour)
	return os.Chtimes(file, when, when)
}

// serverAway stops the server, or kills it, for this round and perhaps the next ones.
func (s *soak) serverAway() {
	s.away, s.down = 1+s.random.IntN(3), true
	if s.random.IntN(2) == 0 {
		s.w.server.Kill()
		s.done["servers killed"]++
		return
	}
	s.ts.Check(s.w.server.Stop())
	s.done["servers stopped"]++
}

func (s *soak) serverBack() {
	s.away = 0
	if s.down {
		s.ts.Check(s.w.server.Start())
		s.down = false
	}
}

func extensionOf(name string) string { return name[strings.IndexByte(name, '.'):] }

func (m *model) newName(kind, extension string) string {
	m.names++
	return kind + "_" + strconv.Itoa(m.names) + extension
}
