package chdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chute/connectors"
)

// second is what a second process does: it tries to open path.
func second(path string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d, err := Open(ctx, Config{Path: path})
	if err == nil {
		fmt.Println("opened")
		_ = d.Close()
		return 0
	}
	fmt.Println(errors.Is(err, connectors.ErrUnavailable), err)
	return 3
}

// endlessInsert is what a process does that is to be killed: it says so when rows are in the table, and goes on.
func endlessInsert(path string) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d, err := Open(ctx, Config{Path: path})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	err = d.session.Exec(ctx, connectors.Statement{SQL: "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n"})
	for n := 0; err == nil; n++ {
		if n == 20 {
			fmt.Println("inserting")
		}
		err = d.session.Exec(ctx, connectors.Statement{SQL: "INSERT INTO t SELECT number FROM numbers(1000)"})
	}
	fmt.Println(err)
	return 1
}

// A killed process leaves no lock and no state that has to be cleared by hand.
func TestOpenAfterKill(t *testing.T) {
	path := t.TempDir()
	c := exec.CommandContext(testContext(t), os.Args[0])
	c.Env = append(os.Environ(), "CHDB_TEST_INSERT="+path)
	said, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil || line != "inserting\n" {
		t.Errorf("it says %q, %v", line, err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil {
		t.Error("it wasn't killed")
	}
	d := openTest(t, path)
	wantRows(t, d.session, "SELECT count() >= 20000, count() % 1000 FROM t", "1\t0")
}

// A process that is killed while it tries what the engine can do leaves the scratch database: every later start failed on it.
func TestOpenAfterKilledProbe(t *testing.T) {
	path := t.TempDir()
	if got := startSecond(t, path); got != "opened\n" {
		t.Fatalf("the first start says %q", got)
	}
	line := filepath.Join(path, "metadata", scratch+".sql")
	if err := os.WriteFile(line, []byte("ATTACH DATABASE "+scratch+"\nENGINE = Memory\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "data", scratch, "a", "detached"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := startSecond(t, path); got != "opened\n" {
		t.Errorf("the next start says %q", got)
	}
	left, err := filepath.Glob(filepath.Join(path, "*", scratch+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

func startSecond(t *testing.T, path string) string {
	t.Helper()
	c := exec.CommandContext(testContext(t), os.Args[0])
	c.Env = append(os.Environ(), "CHDB_TEST_SECOND="+path)
	said, err := c.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(said)
}

func TestSecondProcess(t *testing.T) {
	path := t.TempDir()
	d := openTest(t, path)
	if got, want := startSecond(t, path), fmt.Sprintf("process %d", os.Getpid()); !strings.HasPrefix(got, "true") || !strings.Contains(got, want) {
		t.Errorf("second process says %q, want an unavailable error with %q", got, want)
	}
	wantRows(t, d.session, "SELECT 1", "1")
}

// A process without chute's lock is found out by the engine's own, whose only word is on standard error.
func TestSecondEngine(t *testing.T) {
	path := t.TempDir()
	d := openTest(t, path)
	if err := d.lock.Close(); err != nil {
		t.Fatal(err)
	}
	d.lock = nil
	if got := startSecond(t, path); !strings.HasPrefix(got, "true") || !strings.Contains(got, "other than chute") {
		t.Errorf("second process says %q", got)
	}
}

func TestFailedStart(t *testing.T) {
	path := t.TempDir()
	if err := os.Mkdir(path+"/status", 0o700); err != nil { // where the engine wants a file
		t.Fatal(err)
	}
	_, err := Open(testContext(t), Config{Path: path})
	var own *connectors.DatabaseError
	if !errors.As(err, &own) || own.Message == "" {
		t.Fatalf("error %v, want the engine's own", err)
	}
	openTest(t, t.TempDir())
}

// The engine takes Go's signal handlers when it starts; without them this hangs.
func TestPanicsAreStillRecovered(t *testing.T) {
	s, _ := openSession(t)
	execute(t, s, "SELECT 1")
	dereference := func(p *int) (err any) {
		defer func() { err = recover() }()
		*p = 1
		return nil
	}
	if dereference(nil) == nil {
		t.Error("no panic")
	}
}
