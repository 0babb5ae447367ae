package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"chute/connectors/connectortest"
)

// commands are what scripts have besides testscript's own.
//
//	start [WRAPPER…]        the daemon, in the background; its log is appended to the file log. `! start`: it must refuse, stderr has why
//	sigterm                 SIGTERM to the daemon; it must leave in order, and nothing internal may lie in the stores
//	kill9                   kill -9
//	sighup                  SIGHUP: it reads its configuration anew
//	settled N               wait until so many runs are settled
//	logged REGEXP [N]       wait until the log of this start has it, so many times
//	unlogged REGEXP         the whole log doesn't have it
//	await FILE, gone FILE   wait until it exists (a glob), until it doesn't
//	exits CODE COMMAND…     run it and compare the exit code
//	query SQL [WANT]        a result; blanks between columns, " / " between rows. chdb: only while nobody has it open
//	runs                    prints name, status and counts of all runs
//	listed WANT FLAG…       what `chute runs --json` lists: names with blanks between them
//	shown RUN               checks `chute show --json RUN` and prints the files it names
//	terminal WIDTH COMMAND… runs it on a terminal and prints all that came there
//	tree DIR…               prints what lies there
//	report GLOB…            prints report.json files and checks them against everything beside them
//	hidden REGEXP…          nothing that chute wrote has it, but for the table and the records that it hands back
//	bytes FILE TEXT         writes a file; name and text with Go's escapes
//	password WORD           writes the file password; right: the one that the server's user chute has
//	server own|stop|start   a server of the script's own, for outages
//	sshd own [readonly]     an sshd of the script's own, see script_sftp_test.go; sshd stop|start
//	cuts N                  cut the connections to it so many times while files are loaded
//	partner FILE            OpenSSH's sftp does what stands in the file, in the store on that sshd
//	partners NAME…          users who drop files by SFTP on this machine, see script_partners_test.go
//	drop NAME FILE [KEY]    what stands in the file is done by such a partner; ! drop: it is refused
//	clients NAME            such a partner sends files with many programs, see script_clients_test.go
//	photo, unchanged        remember everything on the disk and in the database, and compare with it
//	killed N COMMAND…       run it so many times, each time killed a little later
//	told CODE REGEXP FLAG…  wait until `chute status` leaves with the code and prints that
//	why REGEXP FILE         wait until `chute why` prints that about the file; its name may have Go's escapes
//	feed, fed, big, grow, loading   see script_load_test.go
//	soak SEED KILLS [outages]       see script_soak_test.go
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"start":   func(ts *testscript.TestScript, neg bool, args []string) { worldOf(ts).start(ts, neg, args) },
	"sigterm": func(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).stop(ts) },
	"kill9":   func(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).kill9(ts) },
	"sighup": func(ts *testscript.TestScript, _ bool, _ []string) {
		ts.Check(worldOf(ts).daemon.cmd.Process.Signal(syscall.SIGHUP))
	},
	"settled":   func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).settled(ts, number(ts, args[0])) },
	"logged":    func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).logged(ts, args) },
	"unlogged":  func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).unlogged(ts, args[0]) },
	"await":     func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).await(ts, args[0], true) },
	"gone":      func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).await(ts, args[0], false) },
	"exits":     exits,
	"query":     func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).query(ts, args) },
	"runs":      func(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).runs(ts) },
	"tree":      tree,
	"report":    printReports,
	"bytes":     writeBytes,
	"server":    func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).ownServer(ts, args[0]) },
	"password":  writePassword,
	"photo":     func(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).photo = worldOf(ts).takePhoto(ts) },
	"unchanged": func(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).unchanged(ts) },
	"killed":    func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).killed(ts, args) },
	"feed":      func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).feed(ts, args) },
	"fed":       func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).fed(ts, number(ts, args[0])) },
	"soak":      func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).soak(ts, args) },
	"big":       big,
	"listed":    listed,
	"shown":     shownRunJSON,
	"terminal":  onTerminal,
	"why":       func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).why(ts, args) },
	"told":      func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).told(ts, args) },
	"hidden":    hidden,
	"loading": func(ts *testscript.TestScript, _ bool, args []string) {
		worldOf(ts).loading(ts, args[0], number(ts, args[1]))
	},
	"sshd": func(ts *testscript.TestScript, _ bool, args []string) {
		worldOf(ts).ownSSHD(ts, args[0], len(args) > 1 && args[1] == "readonly")
	},
	"cuts":     func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).cuts(ts, number(ts, args[0])) },
	"partner":  func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).partner(ts, args[0]) },
	"partners": func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).newPartners(ts, args) },
	"drop":     func(ts *testscript.TestScript, neg bool, args []string) { worldOf(ts).asPartner(ts, neg, args) },
	"clients":  func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).clients(ts, args[0]) },
	"grow":     func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).grow(ts, args) },
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value("world").(*world) }

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

// process is a daemon that was started.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it is gone
	from   int64         // where in the log its own lines begin
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only when it is gone already
	<-p.exited
}

// launch starts the daemon without waiting for anything.
func (w *world) launch(ts *testscript.TestScript, wrapper ...string) *process {
	log, err := os.OpenFile(filepath.Join(w.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	ts.Check(err)
	defer log.Close()
	info, err := log.Stat()
	ts.Check(err)
	words := append(wrapper, "chute", "--config", filepath.Join(w.dir, "chute.toml"), "run")
	p := &process{cmd: exec.Command(words[0], words[1:]...), exited: make(chan struct{}), from: info.Size()}
	p.cmd.Dir = w.dir
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "WORK", "CHUTE_LIBCHDB", "XDG_CACHE_HOME", "PASSWORD", "GOCOVERDIR"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	ts.Check(p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // the code is read from ProcessState
		close(p.exited)
	}()
	return p
}

func (w *world) start(ts *testscript.TestScript, neg bool, wrapper []string) {
	if w.daemon != nil {
		if !neg {
			ts.Fatalf("the daemon is running already")
		}
	}
	p := w.launch(ts, wrapper...)
	if neg {
		select {
		case <-p.exited:
		case <-time.After(patience):
			p.kill()
			ts.Fatalf("the daemon didn't refuse to start")
		}
		fmt.Fprintf(ts.Stderr(), "%s", w.logOf(ts, p))
		if p.cmd.ProcessState.Success() {
			ts.Fatalf("the daemon left as if all were well")
		}
		return
	}
	w.daemon = p
	w.until(ts, "the daemon to watch", func() bool { return bytes.Contains(w.logOf(ts, p), []byte("chute is watching")) })
}

// logOf is what the daemon has said since it was started.
func (w *world) logOf(ts *testscript.TestScript, p *process) []byte {
	text, err := os.ReadFile(filepath.Join(w.dir, "log"))
	ts.Check(err)
	return text[p.from:]
}

// until polls until a condition holds. It fails when the daemon that should bring it about is gone.
func (w *world) until(ts *testscript.TestScript, what string, holds func() bool) {
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		var exited chan struct{}
		if w.daemon != nil {
			exited = w.daemon.exited
		}
		select {
		case <-tick.C:
		case <-exited:
			if !holds() {
				ts.Fatalf("the daemon ended (%v) while waiting for %s; end of its log:\n%s", w.daemon.cmd.ProcessState, what, w.logTail())
			}
		case <-deadline:
			ts.Fatalf("waited %v for %s; end of the log:\n%s", patience, what, w.logTail())
		}
	}
}

func (w *world) stop(ts *testscript.TestScript) {
	if w.daemon == nil {
		ts.Fatalf("the daemon isn't running")
	}
	p := w.daemon
	ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.exited:
	case <-time.After(patience):
		ts.Fatalf("the daemon doesn't end after SIGTERM; end of its log:\n%s", w.logTail())
	}
	w.daemon = nil
	if !p.cmd.ProcessState.Success() {
		ts.Fatalf("after SIGTERM the daemon left with %v; end of its log:\n%s", p.cmd.ProcessState, w.logTail())
	}
	w.checkPrivacy(ts)
}

func (w *world) kill9(ts *testscript.TestScript) {
	if w.daemon == nil {
		ts.Fatalf("the daemon isn't running")
	}
	w.daemon.kill()
	w.daemon = nil
}

// ledger asks the ledger, read-only, beside the daemon that writes it. Before there is one nothing is in it.
func (w *world) ledger(ts *testscript.TestScript, query string, scan func(*sql.Rows) error) {
	file := filepath.Join(w.dir, "state/ledger.db")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return
	}
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(5000)")
	ts.Check(err)
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil && strings.Contains(err.Error(), "no such table") { // just being made
		return
	}
	ts.Check(err)
	defer rows.Close()
	for rows.Next() {
		ts.Check(scan(rows))
	}
	ts.Check(rows.Err())
}

func (w *world) countRuns(ts *testscript.TestScript, where string) (n int) {
	w.ledger(ts, "SELECT count(*) FROM runs WHERE "+where, func(r *sql.Rows) error { return r.Scan(&n) })
	return n
}

func (w *world) settled(ts *testscript.TestScript, n int) {
	w.until(ts, fmt.Sprintf("%d settled runs", n), func() bool { return w.countRuns(ts, "state = 'settled'") >= n })
	if have := w.countRuns(ts, "state = 'settled'"); have > n {
		ts.Fatalf("%d runs are settled, more than %d", have, n)
	}
}

// runs prints one line a run; names with their odd bytes escaped.
func (w *world) runs(ts *testscript.TestScript) {
	w.ledger(ts, "SELECT name, status, state, records, accepted, rejects, same_as FROM runs ORDER BY name, id", func(r *sql.Rows) error {
		var name []byte
		var status, state string
		var records, accepted, rejects, same int
		err := r.Scan(&name, &status, &state, &records, &accepted, &rejects, &same)
		line := fmt.Sprintf("%s %s %s records=%d loaded=%d rejects=%d", shown(string(name)), status, state, records, accepted, rejects)
		if same != 0 {
			line += fmt.Sprintf(" same_as=%d", same)
		}
		fmt.Fprintln(ts.Stdout(), line)
		return err
	})
}

func (w *world) logged(ts *testscript.TestScript, args []string) {
	pattern, times := regexp.MustCompile(args[0]), 1
	if len(args) > 1 {
		times = number(ts, args[1])
	}
	w.until(ts, "a line like "+args[0], func() bool { return len(pattern.FindAll(w.logOf(ts, w.daemon), -1)) >= times })
}

func (w *world) unlogged(ts *testscript.TestScript, pattern string) {
	text, err := os.ReadFile(filepath.Join(w.dir, "log"))
	ts.Check(err)
	if found := regexp.MustCompile(pattern).Find(text); found != nil {
		ts.Fatalf("the log has %q", found)
	}
}

func (w *world) await(ts *testscript.TestScript, pattern string, there bool) {
	w.until(ts, fmt.Sprintf("%s (there: %t)", pattern, there), func() bool {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		return len(found) > 0 == there
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	words := append([]string{"--kill-after=5", strconv.Itoa(int(commandTime.Seconds()))}, args[1:]...)
	if err := ts.Exec("timeout", words...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != number(ts, args[0]) {
		ts.Fatalf("exit code %d, wanted %s", code, args[0])
	}
}

func (w *world) query(ts *testscript.TestScript, args []string) {
	got := w.ask(ts, args[0])
	if len(args) == 1 {
		fmt.Fprintln(ts.Stdout(), got)
	} else if got != args[1] {
		ts.Fatalf("%s\n gave %s\nwanted %s", args[0], got, args[1])
	}
}

// ask runs SQL without chute: by the server's client or, embedded, in a process of its own.
func (w *world) ask(ts *testscript.TestScript, sql string) string {
	var out bytes.Buffer
	if w.engine == "clickhouse" {
		ts.Check(w.serverQuery(&out, sql))
	} else {
		if w.daemon != nil {
			ts.Fatalf("the daemon has the embedded engine open")
		}
		w.askEmbedded(ts, sql, &out)
	}
	text := strings.TrimSuffix(out.String(), "\n")
	return strings.ReplaceAll(strings.ReplaceAll(text, "\t", " "), "\n", " / ")
}

// askEmbedded asks in a process of its own.
func (w *world) askEmbedded(ts *testscript.TestScript, sql string, out *bytes.Buffer) {
	c := exec.Command("chdbquery", filepath.Join(w.dir, "state/chdb"), sql)
	c.Env = append(os.Environ(), "CHUTE_LIBCHDB="+library)
	var said bytes.Buffer
	c.Stdout, c.Stderr = out, &said
	if err := c.Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(w.dir, "state/chdb/chute-engine.log")) // it is there when the engine took the process with it
		ts.Fatalf("%s: %v: %s %s", sql, err, said.String(), log)
	}
}

// ownServer gives the script a server that it can stop without harm to the others.
func (w *world) ownServer(ts *testscript.TestScript, what string) {
	switch what {
	case "own":
		dir, err := os.MkdirTemp("", "chute-server-")
		ts.Check(err)
		own, err := connectortest.LaunchServer(dir)
		ts.Check(err)
		before := w.server.Address
		w.server = own
		ts.Check(w.serverQuery(new(bytes.Buffer), "CREATE DATABASE "+w.database))
		configs, err := filepath.Glob(filepath.Join(w.dir, "chute*.toml"))
		ts.Check(err)
		for _, name := range configs {
			config, err := os.ReadFile(name)
			ts.Check(err)
			ts.Check(os.WriteFile(name, bytes.ReplaceAll(config, []byte(before), []byte(own.Address)), 0o644))
		}
	case "stop":
		ts.Check(w.server.Stop())
	case "start":
		ts.Check(w.server.Start())
	case "kill":
		w.server.Kill()
	default:
		ts.Fatalf("server %s?", what)
	}
}

// writePassword writes the file that a configuration refers to: the right password of the server's user chute, or the one given.
func writePassword(ts *testscript.TestScript, _ bool, args []string) {
	password := args[0]
	if password == "right" {
		password = connectortest.ServerPassword
	}
	ts.Check(os.WriteFile(ts.MkAbs("password"), []byte(password), 0o600))
}

// writeBytes writes a file whose name and content may need escapes.
func writeBytes(ts *testscript.TestScript, _ bool, args []string) {
	name := unescape(ts, args[0])
	ts.Check(os.WriteFile(ts.MkAbs(name), []byte(unescape(ts, args[1])), 0o644))
}

func unescape(ts *testscript.TestScript, text string) string {
	var out []byte
	for text != "" {
		r, multibyte, rest, err := strconv.UnquoteChar(text, 0)
		ts.Check(err)
		if r < 0x80 || !multibyte {
			out = append(out, byte(r))
		} else {
			out = append(out, string(r)...)
		}
		text = rest
	}
	return string(out)
}
