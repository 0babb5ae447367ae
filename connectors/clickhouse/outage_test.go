package clickhouse

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/connectors/native"
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, config Config) *Database {
	t.Helper()
	d := Open(config)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func sessionOf(t *testing.T, config Config) connectors.Session {
	t.Helper()
	s, err := open(t, config).Session(testContext(t), "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// unavailable checks that err means an outage and nothing else.
func unavailable(t *testing.T, what string, err error) {
	t.Helper()
	var database *connectors.DatabaseError
	if !errors.Is(err, connectors.ErrUnavailable) || errors.As(err, &database) {
		t.Errorf("%s: %v, want an error that means not reachable", what, err)
	}
}

var numberColumn = []native.Column{{Name: "n", Type: &native.Type{Kind: native.UInt64}}}

func numberBlock(rows int) *native.Block {
	return &native.Block{Columns: numberColumn, Data: [][]byte{make([]byte, 8*rows)}, Rows: rows}
}

// TestServerGoesAndComesBack keeps one session through a stop, a crash under way, and the starts after them.
func TestServerGoesAndComesBack(t *testing.T) {
	own := connectortest.StartServer(t)
	d := open(t, Config{Address: []string{own.Address}})
	ctx := testContext(t)
	s, err := d.Session(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(ctx, connectors.Statement{SQL: "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n"}); err != nil {
		t.Fatal(err)
	}
	if err := own.Stop(); err != nil {
		t.Fatal(err)
	}
	unavailable(t, "Exec on a server that is down", s.Exec(ctx, connectors.Statement{SQL: "SELECT 1"}))
	unavailable(t, "Kill on a server that is down", s.Kill(ctx, "x"))
	_, err = d.Session(ctx, "")
	unavailable(t, "Session of a server that is down", err)
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(ctx, connectors.Statement{SQL: "SELECT n FROM t"}); err != nil {
		t.Fatalf("the session doesn't recover: %v", err)
	}
	crash(t, s, own)
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(ctx, connectors.Statement{SQL: "DROP TABLE t"}); err != nil {
		t.Fatalf("the session doesn't recover: %v", err)
	}
}

// crash kills the server while a query, an insert that sends and one that waits are under way.
func crash(t *testing.T, s connectors.Session, own *connectortest.Server) {
	ctx := testContext(t)
	waiting, err := s.Insert(ctx, connectors.Statement{SQL: "t"}, numberColumn)
	if err != nil {
		t.Fatal(err)
	}
	sending, err := s.Insert(ctx, connectors.Statement{SQL: "t"}, numberColumn)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(chan bool, 1)
	var once sync.Once
	ended := make(chan error, 2)
	go func() {
		ended <- s.Query(ctx, connectors.Statement{SQL: "SELECT number FROM numbers(1000000000000)"}, func(*native.Block) error {
			once.Do(func() { close(rows) })
			return nil
		})
	}()
	<-rows
	go func() {
		var err error
		for err == nil {
			err = sending.Write(numberBlock(10_000))
		}
		ended <- err
	}()
	own.Kill()
	unavailable(t, "a query or insert under way", <-ended)
	unavailable(t, "a query or insert under way", <-ended)
	unavailable(t, "Commit of an insert that waited", waiting.Commit())
	if err := sending.Abort(); err != nil {
		t.Errorf("Abort of an insert that has failed: %v", err)
	}
}

func TestSeveralAddresses(t *testing.T) {
	noLeaks(t)
	dead := deadAddress(t)
	d := open(t, Config{Address: []string{dead, server.Address}})
	s, err := d.Session(testContext(t), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Server().Address; got != server.Address {
		t.Errorf("the session is that of %s, want %s", got, server.Address)
	}
	_, err = d.Session(testContext(t), dead)
	unavailable(t, "the session of the dead address", err)
	_, err = open(t, Config{Address: []string{dead, dead}}).Session(testContext(t), "")
	unavailable(t, "a session without a living address", err)
	if _, err := open(t, Config{}).Session(testContext(t), ""); err == nil || errors.Is(err, connectors.ErrUnavailable) {
		t.Errorf("a session without an address: %v", err)
	}
}

func deadAddress(t *testing.T) string {
	t.Helper()
	l := listen(t, nil)
	l.Close()
	return l.Addr().String()
}

// listen starts a server that answers each connection with serve, or never.
func listen(t *testing.T, serve func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			if serve != nil {
				wg.Go(func() { serve(conn) })
			}
		}
	})
	return l
}

// TestServerThatIsSilent dials what accepts connections and says nothing.
func TestServerThatIsSilent(t *testing.T) {
	address := listen(t, nil).Addr().String()
	d := open(t, Config{Address: []string{address}, DialTimeout: 300 * time.Millisecond}) // connecting has to be done by then
	_, err := d.Session(testContext(t), "")
	unavailable(t, "a silent server", err)
	if err == nil || !strings.Contains(err.Error(), "it takes connections and doesn't answer") {
		t.Errorf("of a silent server is said: %v", err)
	}

	d = open(t, Config{Address: []string{address}, DialTimeout: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = d.Session(ctx, ""); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, connectors.ErrUnavailable) {
		t.Errorf("the context ended while connecting: %v", err)
	}
}

// TestServerThatFallsSilent has a real server behind a line that is cut, without a word to either side, when a statement runs.
func TestServerThatFallsSilent(t *testing.T) {
	noLeaks(t)
	stuck := make(chan struct{})
	l := listen(t, func(client net.Conn) { forward(client, stuck) })
	s := sessionOf(t, Config{Address: []string{l.Addr().String()}}).(*session)
	if len(s.idle) != 1 {
		t.Fatalf("%d idle connections", len(s.idle))
	}
	c := s.idle[0]
	var once sync.Once
	err := s.Query(testContext(t), connectors.Statement{SQL: "SELECT number FROM numbers(1000000000000)"}, func(*native.Block) error {
		once.Do(func() {
			c.timeout = 100 * time.Millisecond // as if ReadTimeout had been that
			close(stuck)
		})
		return nil
	})
	unavailable(t, "a server that has fallen silent", err)
}

// forward joins the client to the shared server until stuck is closed; from then on nothing comes through.
func forward(client net.Conn, stuck <-chan struct{}) { forwardHeld(client, stuck, nil) }

// forwardHeld joins the client to the shared server. What comes after held is closed waits until letGo is closed, or is lost if that is nil.
func forwardHeld(client net.Conn, held, letGo <-chan struct{}) {
	upstream, err := net.Dial("tcp", server.Address)
	if err != nil {
		return
	}
	defer upstream.Close()
	var wg sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{client: upstream, upstream: client} {
		wg.Go(func() {
			defer upstream.Close()
			defer client.Close()
			buffer := make([]byte, 64<<10)
			for {
				n, err := from.Read(buffer)
				if err != nil {
					return
				}
				select {
				case <-held:
					if letGo == nil {
						continue
					}
					<-letGo
				default:
				}
				_, _ = to.Write(buffer[:n])
			}
		})
	}
	wg.Wait()
}

// TestStatementThatIsLate has a statement on its way when its context ends. Exec must not return before the server has dealt with it:
// who asks then what it did would get an answer that isn't true a moment later.
func TestStatementThatIsLate(t *testing.T) {
	noLeaks(t)
	var connections atomic.Int32
	held, letGo := make(chan struct{}), make(chan struct{})
	l := listen(t, func(client net.Conn) {
		if connections.Add(1) == 2 {
			close(letGo) // somebody tries to kill it
		}
		forwardHeld(client, held, letGo)
	})
	s := sessionOf(t, Config{Address: []string{l.Addr().String()}}).(*session)
	ctx, cancel := context.WithCancel(testContext(t))
	if err := s.Exec(ctx, connectors.Statement{SQL: "DROP TABLE IF EXISTS late"}); err != nil {
		t.Fatal(err)
	}
	c := s.takeIdle() // its answer to a ping would be held as well
	close(held)
	x := &statement{session: s, ctx: ctx, conn: c, id: uniqueID("late"), unwatch: context.AfterFunc(ctx, c.interrupt)}
	if err := c.sendQuery(x.id, "CREATE TABLE late (n UInt64) ENGINE = Memory", nil); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := x.end(x.results(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if err := s.Exec(testContext(t), connectors.Statement{SQL: "DROP TABLE late"}); err != nil {
		t.Errorf("the statement had not run when its end was reported: %v", err)
	}
}

// TestServerThatLies answers with what no server says: errors, no crash.
func TestServerThatLies(t *testing.T) {
	hello := "\x00\x0aClickHouse\x12\x10\x8c\xa9\x03\x03UTC\x04name\x01"
	for name, answer := range map[string]string{
		"another protocol":   "HTTP/1.1 400 Bad Request\r\n\r\n",
		"hello cut":          hello[:9],
		"old server":         "\x00\x0aClickHouse\x01\x01\xb6\xa6\x03\x03UTC",
		"unknown packet":     hello + "\x63",
		"unknown block info": hello + "\x01\x00\x07",
		"huge block":         hello + "\x01\x00\x00\xff\xff\xff\xff\x7f\xff\xff\xff\xff\x7f",
		"huge string":        hello + "\x01\x00\x00\x01\x01\x01a\x06String\xff\xff\xff\xff\x7f",
		"cut block":          hello + "\x01\x00\x00\x01\x05\x01a\x06UInt64\x00",
		"no type":            hello + "\x01\x00\x00\x01\x00\x01a\x05Nonse",
	} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			l := listen(t, func(client net.Conn) {
				_, _ = client.Write([]byte(answer))
				_ = client.(*net.TCPConn).CloseWrite()
			})
			if _, err := open(t, Config{Address: []string{l.Addr().String()}}).Session(testContext(t), ""); err == nil {
				t.Error("no error")
			}
		})
	}
}
