package connectortest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/native"
)

// cancelDeadline is how soon after the end of its context a statement has to be over.
const cancelDeadline = 5 * time.Second

// checkCancel starts a statement, ends its context when it is on the server, and expects the cause as the error and nothing left on the server.
func (s *databaseSuite) checkCancel(t *testing.T, run func(context.Context, connectors.Statement) error, sql string) {
	for _, cause := range []error{nil, errors.New("the operator wants it")} {
		ctx, cancel := context.WithCancelCause(suiteContext(t))
		id := statementID()
		done := make(chan error, 1)
		go func() { done <- run(ctx, connectors.Statement{ID: id, SQL: sql}) }()
		s.awaitRunning(t, id)
		start := time.Now()
		cancel(cause)
		err := <-done
		if cause == nil {
			cause = context.Canceled
		}
		if !errors.Is(err, cause) || errors.Is(err, connectors.ErrUnavailable) {
			t.Errorf("the error is %v, want one that wraps %v", err, cause)
		}
		if took := time.Since(start); took > cancelDeadline {
			t.Errorf("the statement ended %v after its context", took)
		}
		for s.running(t, id) != 0 {
			if time.Since(start) > cancelDeadline {
				t.Fatalf("a statement runs on %v after its context has ended", cancelDeadline)
			}
			time.Sleep(10 * time.Millisecond) // a server that lost its client may take a moment to notice
		}
	}
}

func testCancelExec(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	s.checkCancel(t, s.Exec, endless)
	s.checkCancel(t, s.Exec, "INSERT INTO "+table+" "+endless)
}

func testCancelQuery(t *testing.T, s *databaseSuite) {
	query := func(ctx context.Context, st connectors.Statement) error {
		return s.Query(ctx, st, func(*native.Block) error { return nil })
	}
	s.checkCancel(t, query, endless)
	s.checkCancel(t, query, "SELECT number FROM numbers(1000000000000)")
}

// testCancelInsert ends the context while the insert waits for its next block, and while blocks are sent.
func testCancelInsert(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	for _, busy := range []bool{false, true} {
		s.checkCancel(t, func(ctx context.Context, st connectors.Statement) error {
			i, err := s.Insert(ctx, st, numbers(0, 0).Columns)
			if err != nil {
				return err
			}
			defer i.Abort()
			if err := i.Write(numbers(0, 10)); err != nil {
				return err
			}
			if !busy {
				<-ctx.Done()
			}
			for err == nil {
				err = i.Write(numbers(0, 10_000))
			}
			if err := i.Commit(); err == nil {
				t.Error("Commit after Write failed succeeded")
			}
			return err
		}, table)
	}
	s.exec(t, "DROP TABLE "+table)
}

func testKill(t *testing.T, s *databaseSuite) {
	id := statementID()
	if err := s.Kill(suiteContext(t), id); err != nil {
		t.Errorf("killing what doesn't exist: %v", err)
	}
	if err := s.Kill(suiteContext(t), ""); err == nil {
		t.Error("an empty prefix killed everything")
	}
	ended := map[string]chan error{}
	// The prefix must not be taken for a pattern, in which _ and % are anything.
	victim, others := id+"a_b%/", []string{id + "axb%/", id + "a_bx/", id + "a_b"}
	for _, name := range append(others, victim) {
		ended[name] = make(chan error, 1)
		go func() { ended[name] <- s.Exec(t.Context(), connectors.Statement{ID: name + "step", SQL: endless}) }()
		s.awaitRunning(t, name+"step")
	}
	if err := s.Kill(suiteContext(t), victim); err != nil {
		t.Fatal(err)
	}
	if n := s.running(t, victim); n != 0 {
		t.Errorf("%d of the killed statements run on", n)
	}
	select {
	case err := <-ended[victim]:
		if err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("the killed statement ended with %v", err)
		}
	case <-time.After(cancelDeadline):
		t.Error("the killed statement didn't end")
	}
	for _, name := range others {
		if n := s.running(t, name); n == 0 {
			t.Errorf("%s isn't running any more after %s was killed", strings.TrimPrefix(name, id), strings.TrimPrefix(victim, id))
		}
	}
	if err := s.Kill(suiteContext(t), id); err != nil {
		t.Fatal(err)
	}
	for _, name := range others {
		if err := <-ended[name]; err == nil {
			t.Error("a killed statement ended without an error")
		}
	}
}

// testKillInsert kills an insert that waits for its next block.
func testKillInsert(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	id := statementID()
	i, err := s.Insert(suiteContext(t), connectors.Statement{ID: id + "step", SQL: table}, numbers(0, 0).Columns)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Abort()
	if err := i.Write(numbers(0, 10)); err != nil {
		t.Fatal(err)
	}
	s.awaitRunning(t, id)
	if err := s.Kill(suiteContext(t), id); err != nil {
		t.Fatal(err)
	}
	if n := s.running(t, id); n != 0 {
		t.Errorf("%d of the killed inserts run on", n)
	}
	if err := i.Commit(); err == nil || errors.Is(err, connectors.ErrUnavailable) {
		t.Errorf("Commit of a killed insert: %v", err)
	}
	if err := i.Abort(); err != nil {
		t.Errorf("Abort of a killed insert: %v", err)
	}
	s.exec(t, "DROP TABLE "+table)
}
