package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chute/connectors"
)

// TestMain lets the test binary be its own victim: with these variables set it writes and kills itself.
func TestMain(m *testing.M) {
	if path := os.Getenv("CHUTE_TEST_LEDGER"); path != "" {
		fmt.Fprintln(os.Stderr, victim(path, os.Getenv("CHUTE_TEST_KILL")))
		os.Exit(1) // it should have been killed
	}
	os.Exit(m.Run())
}

// victim says on standard output what was acknowledged and dies where it is told to. It returns only when something went wrong.
func victim(path, where string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	l, err := Open(ctx, path)
	if err != nil {
		return err
	}
	fmt.Println("id", l.ID())
	for i := range 10 {
		runs := []Run{{Job: "j", SHA256: fmt.Sprint(i), File: connectors.File{Name: fmt.Sprint(i)}, Report: bytes.Repeat([]byte("r"), 9000)}}
		if err := l.Begin(ctx, runs); err != nil {
			return err
		}
		fmt.Println(runs[0].ID, runs[0].State)
		for _, s := range []State{Claimed, Staging, Publishing} {
			runs[0].State = s
			if where == "inside" && i == 9 && s == Publishing {
				return l.tx(ctx, func(tx *sql.Tx) error { return dieInside(ctx, tx, runs) })
			}
			if s == Publishing {
				_, err = l.Publish(ctx, runs, []Identity{identity(runs[0])})
			} else {
				err = l.Update(ctx, runs)
			}
			if err != nil {
				return err
			}
			fmt.Println(runs[0].ID, s)
		}
	}
	return kill() // after the last acknowledgement, without closing anything
}

func dieInside(ctx context.Context, tx *sql.Tx, runs []Run) error {
	if err := update(ctx, tx, runs, func(*Run, State) error { return nil }); err != nil {
		return err
	}
	return kill()
}

func kill() error {
	return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), errors.New("survived"))
}

// Killed right after an acknowledgement, or in the middle of a transaction, exactly what was acknowledged is there.
func TestKilled(t *testing.T) {
	for _, where := range []string{"after", "inside"} {
		t.Run(where, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			cmd := exec.CommandContext(limit(t), os.Args[0])
			cmd.Env = append(os.Environ(), "CHUTE_TEST_LEDGER="+path, "CHUTE_TEST_KILL="+where)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the victim ended with %v: %s", err, &stderr)
			}
			acknowledged := map[string]string{}
			for line := range strings.Lines(string(out)) {
				id, state, _ := strings.Cut(strings.TrimSpace(line), " ")
				acknowledged[id] = state
			}
			l := open(t, path)
			if l.ID() != acknowledged["id"] {
				t.Errorf("id %s, was %s", l.ID(), acknowledged["id"])
			}
			delete(acknowledged, "id")
			checkAcknowledged(t, l, acknowledged)
		})
	}
}

func checkAcknowledged(t *testing.T, l *Ledger, acknowledged map[string]string) {
	t.Helper()
	runs, err := l.Unsettled(limit(t))
	if err != nil || len(runs) != len(acknowledged) || len(runs) != 10 {
		t.Fatalf("%d runs, %d were acknowledged (%v)", len(runs), len(acknowledged), err)
	}
	for _, r := range runs {
		if got := acknowledged[fmt.Sprint(r.ID)]; got != string(r.State) || len(r.Report) != 9000 {
			t.Errorf("run %d is %s, acknowledged was %s", r.ID, r.State, got)
		}
		byBytes, _, err := l.Identity(limit(t), "j", r.SHA256, "")
		if err != nil || (byBytes != nil) != (r.State == Publishing) {
			t.Errorf("run %d is %s, its identity is %+v (%v)", r.ID, r.State, byBytes, err)
		}
	}
	var verdict string
	if err := l.read.QueryRowContext(limit(t), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: %s (%v)", verdict, err)
	}
}
