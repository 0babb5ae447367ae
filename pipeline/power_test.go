package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/connectors/native"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// TestPowerCut cuts the power behind every call that changes the store and behind every effect of a batch. The store is in memory and has afterwards only
// what it must have: each name that wasn't synced stands for the oldest of what it stood for since, for the newest, or for one of them by lot. The
// ledger's files are taken as they are at that moment. The embedded engine loses what it did since its last sync; the server is another machine, whose power stays on. By lot
// the power goes again while the next life clears up. At the end every file is in one place with its sidecars, every record once in the table, and
// nothing is left over.
func TestPowerCut(t *testing.T) {
	bothEngines(t, func(t *testing.T, w *world) {
		w.job(orders)
		w.open()
		p := &powerWorld{world: w}
		whole := p.play(0, newest)
		if whole < 80 {
			t.Fatalf("a batch changes only %d things", whole)
		}
		step := 29
		if *everyCall {
			step = 1
			w.ctx = t.Context() // it takes as long as it takes
		}
		for _, survives := range []survivors{oldest, newest, byLot} {
			if testing.Short() && survives != byLot {
				continue
			}
			for n := 1 + int(survives)*step/3; n <= whole; n += step {
				if p.play(n, survives); t.Failed() {
					t.Fatalf("cut behind change %d of %d, of what wasn't synced survives %s", n, whole, survives)
				}
			}
		}
		t.Logf("%d batches, cut behind every %d. of %d changes", p.plays, step, whole)
	})
}

// delivered is what partners sent: a file that is rejected whole, a good one, the same again, and one with rejects.
var delivered = map[string]string{
	"a.csv": "nothing,of,this\n1,2,3\n",
	"b.csv": "id,amount,note\n1,1.10,x\n2,2.20,y\n3,3.30,x\n",
	"c.csv": "id,amount,note\n1,1.10,x\n2,2.20,y\n3,3.30,x\n",
	"d.csv": "id,amount,note\n4,4.40,x\n5,bad,y\n6,6.60,\"z\nz\"\n",
}

// survivors says what of the unsynced things is there after a power cut.
type survivors int

const (
	oldest survivors = iota
	newest
	byLot
)

func (s survivors) String() string {
	return [...]string{"the oldest", "the newest", "what the lot says"}[s]
}

// always is a source of random numbers that aren't: of n things it chooses the first, or the last.
type always uint64

func (a always) Uint64() uint64 { return uint64(a) }

func (s survivors) lot(seed int) *rand.Rand {
	switch s {
	case oldest:
		return rand.New(always(1 << 52)) // 0 would be drawn again and again
	case newest:
		return rand.New(always(1<<64 - 1))
	default:
		return rand.New(rand.NewPCG(uint64(seed), 7))
	}
}

// powerWorld is a world whose store is in memory.
type powerWorld struct {
	*world
	plays int    // so far: each has a state and a table of its own
	table string // of this play, with its database
}

// play has a batch loaded, with a power cut behind the n-th change, and judges what comes of it. It tells how many changes there were.
func (p *powerWorld) play(n int, survives survivors) int {
	p.t.Helper()
	p.plays++
	p.table = fmt.Sprintf("%s.t%d", p.Database, p.plays)
	l := &life{power: p, dir: p.newState(), store: connectortest.NewMemory(".chute"), cutAt: n, survives: survives, lot: survives.lot(n)}
	for name, text := range delivered {
		l.store.Put("in/"+name, []byte(text))
	}
	l.live()
	changes := l.whole
	for l.after != nil {
		l = l.next()
		l.live()
	}
	l.judge()
	return changes
}

func (p *powerWorld) newState() string {
	p.t.Helper()
	dir, err := os.MkdirTemp(p.Dir, "state")
	if err != nil {
		p.t.Fatal(err)
	}
	return dir
}

// life is what happens between two power cuts.
type life struct {
	power    *powerWorld
	dir      string // the state
	store    *connectortest.Memory
	cutAt    int // the power goes behind this change; 0: it stays
	survives survivors
	lot      *rand.Rand
	earlier  int // lives before this one
	whole    int // changes there were with the power on
	im       *Importer

	mu      sync.Mutex // guards what follows: inserts have goroutines of their own
	changes int
	undo    []string              // SQL that takes back what the engine did since its last sync, the last first
	after   *connectortest.Memory // what the store has when the power is back; nil while there is power
	state   string                // and where the state is then
}

// live is a start and what follows, until nothing is to be done any more or the power goes.
func (l *life) live() {
	p := l.power
	p.t.Helper()
	book, err := ledger.Open(p.ctx, filepath.Join(l.dir, "ledger.db"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer book.Close() // of a life that is over nothing counts any more
	l.im = l.importer(book)
	if err := l.im.Sweep(p.ctx); err != nil {
		p.t.Fatal(err)
	}
	for range 3 { // as often as something may wait for something else
		l.im.Resume(p.ctx, l.unsettled())
		l.im.Import(p.ctx, l.waiting())
		if l.off() {
			return
		}
	}
	l.whole, l.cutAt = l.changes, 0
	l.store.Put("in/e.csv", []byte("id,amount,note\n7,7.70,x\n")) // with the next work comes the last clearing up
	wantOutcomes(p.t, l.im.Import(p.ctx, l.waiting()), map[string]connectors.Outcome{"e.csv": connectors.Done})
	l.wantLedger()
}

func (l *life) importer(book *ledger.Ledger) *Importer {
	im, job := *l.power.im, *l.power.im.Job
	if err := job.Target.Table.UnmarshalText([]byte(l.power.table)); err != nil {
		l.power.t.Fatal(err)
	}
	store := &connectortest.FaultyFolder{Folder: l.store, After: func(c connectortest.Call) error {
		if slices.Contains([]string{"create", "write", "commit", "discard", "create all", "rename", "remove", "sync"}, c.Op) {
			return l.changed()
		}
		return nil
	}}
	im.Job, im.Inbox, im.Store, im.Ledger, im.RunsDir, im.swept = &job, store, store, book, filepath.Join(l.dir, "runs"), nil
	im.Database = &powered{Database: l.power.db, life: l}
	im.Fault = func(_ string, before bool) error {
		if before {
			return l.dead()
		}
		return l.changed()
	}
	return &im
}

// changed counts a change, and cuts the power behind the one that it is to be cut behind.
func (l *life) changed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.after == nil {
		if l.changes++; l.changes == l.cutAt {
			l.cut()
		}
	}
	return l.deadNow()
}

// cut is called with mu held.
func (l *life) cut() {
	l.after, l.state = l.store.Crash(l.lot), l.power.newState()
	for _, name := range []string{"ledger.db", "ledger.db-wal"} {
		content, err := os.ReadFile(filepath.Join(l.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(l.state, name), content, 0o600)
		}
		if err != nil {
			l.power.t.Error(err)
		}
	}
}

func (l *life) off() bool { return l.dead() != nil }

// dead is the error of whatever is tried without power.
func (l *life) dead() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deadNow()
}

func (l *life) deadNow() error {
	if l.after != nil {
		return connectortest.ErrGone
	}
	return nil
}

// next is the life after a power cut. No file of a partner is lost in it.
func (l *life) next() *life {
	p := l.power
	p.t.Helper()
	tree := l.after.Tree()
	for name, text := range delivered {
		if len(places(tree, name, text)) == 0 {
			p.t.Errorf("%s is lost; left are %q", name, slices.Sorted(maps.Keys(tree)))
		}
	}
	if p.Engine == "chdb" {
		for _, sql := range l.undo {
			if l.survives == oldest || l.survives == byLot && l.lot.IntN(2) == 0 {
				p.exec(sql)
			}
		}
	}
	n := &life{power: p, dir: l.state, store: l.after, survives: l.survives, lot: l.lot, earlier: l.earlier + 1}
	if l.survives == byLot && n.earlier < 4 {
		n.cutAt = 1 + l.lot.IntN(60)
	}
	return n
}

// places are the names under which a store has a partner's file.
func places(tree map[string]string, name, text string) (found []string) {
	for at, content := range tree {
		if path.Base(at) == name && content == text {
			found = append(found, at)
		}
	}
	return found
}

func (l *life) unsettled() (ids []uint64) {
	runs, err := l.im.Ledger.Unsettled(l.power.ctx)
	if err != nil {
		l.power.t.Fatal(err)
	}
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids
}

func (l *life) waiting() []connectors.File {
	files, err := l.im.Inbox.List(l.power.ctx, "in")
	if err != nil && !l.off() {
		l.power.t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b connectors.File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

// judge looks at everything when all is through.
func (l *life) judge() {
	p := l.power
	p.t.Helper()
	if abuses := l.store.Misuses(); len(abuses) > 0 {
		p.t.Errorf("misuses of the store: %q", abuses)
	}
	tree := l.store.Tree()
	want := append(fourFiles(), "done/e.csv", "done/e.csv.log", "done/e.csv.report.json")
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(tree)); !slices.Equal(got, want) {
		p.t.Errorf("files of the store:\n got %q\nwant %q", got, want)
	}
	for name, text := range delivered {
		if len(places(tree, name, text)) != 1 {
			p.t.Errorf("%s isn't what was delivered", name)
		}
	}
	if got := tree["done/d.rejects.csv"]; got != "id,amount,note\n5,bad,y\n" {
		p.t.Errorf("rejects: %q", got)
	}
	p.wantRows("SELECT count(), sum(id), toInt64(sum(amount) * 100), uniqExact(_chute_run, _chute_record) FROM "+p.table, "6 23 2530 6")
	if stages := p.rows("SELECT name FROM system.tables WHERE database = '" + p.Database + "' AND name LIKE 'chute_stage_%'"); len(stages) > 0 {
		p.t.Errorf("stages left: %q", stages)
	}
}

// wantLedger compares the ledger, in which everything is settled, with the reports beside the files.
func (l *life) wantLedger() {
	p, tree := l.power, l.store.Tree()
	p.t.Helper()
	if left := l.unsettled(); len(left) > 0 {
		p.t.Errorf("unsettled: %v", left)
	}
	runs, err := l.im.Ledger.Runs(p.ctx, ledger.Filter{})
	if err != nil {
		p.t.Fatal(err)
	}
	var ended []string
	for _, r := range runs {
		if r.State != ledger.Settled {
			continue
		}
		ended = append(ended, r.File.Name)
		dir := map[bool]string{true: "rejected/", false: "done/"}[r.Status == ledger.Rejected]
		var told report.Partner
		if err := json.Unmarshal([]byte(tree[dir+r.File.Name+".report.json"]), &told); err != nil {
			p.t.Errorf("report of %s: %v", r.File.Name, err)
		} else if told.Run != r.ID || told.Counts.Inserted != r.Accepted || told.Counts.Rejects != r.Rejects {
			p.t.Errorf("the report of %s says run %d, %+v; the ledger %+v", r.File.Name, told.Run, told.Counts, r)
		}
	}
	slices.Sort(ended)
	if want := []string{"a.csv", "b.csv", "c.csv", "d.csv", "e.csv"}; !slices.Equal(ended, want) {
		p.t.Errorf("settled are %q, want %q", ended, want)
	}
}

// powered is a database that can't be asked any more when the power has gone. It notes how to take back what isn't synced.
type powered struct {
	connectors.Database
	life *life
}

func (d *powered) Session(ctx context.Context, address string) (connectors.Session, error) {
	if err := d.life.dead(); err != nil {
		return nil, err
	}
	s, err := d.Database.Session(ctx, address)
	return &poweredSession{Session: s, life: d.life}, err
}

type poweredSession struct {
	connectors.Session
	life *life
}

var stageIn = regexp.MustCompile("`\\w+`\\.`chute_stage_\\w+`")

func (s *poweredSession) Exec(ctx context.Context, st connectors.Statement) error {
	if err := s.life.dead(); err != nil {
		return err
	}
	err := s.Session.Exec(ctx, st)
	stage, table := stageIn.FindString(st.SQL), s.life.power.table
	switch verb, _, _ := strings.Cut(st.SQL, " "); {
	case err != nil:
	case verb == "CREATE" && stage != "":
		s.note("DROP TABLE IF EXISTS " + stage)
	case verb == "DROP" && stage != "":
		s.note("CREATE TABLE IF NOT EXISTS " + stage + " (x UInt8) ENGINE = MergeTree ORDER BY x")
	case verb == "ALTER":
		s.note("TRUNCATE TABLE IF EXISTS " + table)
	case strings.HasPrefix(st.SQL, "CREATE TABLE"):
		s.note("DROP TABLE IF EXISTS " + table)
	}
	return err
}

func (s *poweredSession) Query(ctx context.Context, st connectors.Statement, each func(*native.Block) error) error {
	if err := s.life.dead(); err != nil {
		return err
	}
	return s.Session.Query(ctx, st, each)
}

func (s *poweredSession) Insert(ctx context.Context, st connectors.Statement, columns []native.Column) (connectors.Inserter, error) {
	if err := s.life.dead(); err != nil {
		return nil, err
	}
	s.note("TRUNCATE TABLE IF EXISTS " + st.SQL)
	return s.Session.Insert(ctx, st, columns)
}

func (s *poweredSession) Kill(ctx context.Context, prefix string) error {
	if err := s.life.dead(); err != nil {
		return err
	}
	return s.Session.Kill(ctx, prefix)
}

func (s *poweredSession) Sync(ctx context.Context) error {
	if err := s.life.dead(); err != nil {
		return err
	}
	err := s.Session.Sync(ctx)
	if err == nil {
		s.life.mu.Lock()
		defer s.life.mu.Unlock()
		s.life.undo = nil
	}
	return err
}

func (s *poweredSession) note(undo string) {
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	s.life.undo = append([]string{undo}, s.life.undo...)
}
