package connectortest

import (
	"fmt"
	"testing"

	"chute/connectors"
	"chute/connectors/native"
)

const attachKeys = " PARTITION BY n % 3 ORDER BY (n, text)"

// testAttach does what publishing does: a plain stage made after the target, filled, and attached as a whole or by partition.
func testAttach(t *testing.T, s *databaseSuite) {
	for _, engine := range []string{"MergeTree", "ReplacingMergeTree"} {
		target := s.table(t, "(n UInt64, text String DEFAULT 'x') ENGINE = "+engine+attachKeys)
		s.exec(t, "INSERT INTO "+target+" (n) SELECT number FROM numbers(30)")
		stage := s.table(t, "AS "+target+" ENGINE = MergeTree"+attachKeys)
		text := &native.Block{Columns: []native.Column{numbers(0, 0).Columns[0], column("text", "String")}, Rows: 30}
		text.Data = [][]byte{numbers(100, 30).Data[0], nil}
		for range 30 {
			text.Data[1] = append(text.Data[1], 1, 'y')
		}
		s.insert(t, stage, text, text) // the stage keeps what Replacing would not
		if err := s.attach(t, target, stage); err != nil {
			t.Fatal(err)
		}
		if n := s.count(t, stage); n != 60 {
			t.Errorf("%s: the stage has %d rows after it was attached, want 60", engine, n)
		}
		if got := s.rows(t, "SELECT n % 3 AS p, count() >= 30 FROM "+target+" WHERE n < 30 OR text = 'y' GROUP BY p ORDER BY p"); fmt.Sprint(got) != "[[0 1] [1 1] [2 1]]" {
			t.Errorf("%s: the target's partitions are %v", engine, got)
		}
		if got := s.value(t, "SELECT uniqExact(n) FROM "+target); got != uint64(60) {
			t.Errorf("%s: the target has %v numbers, want 60", engine, got)
		}
	}
}

// attach attaches all partitions of stage: in one statement where the server has it.
func (s *databaseSuite) attach(t *testing.T, target, stage string) error {
	if s.Server().Abilities.AttachAll {
		return s.Exec(suiteContext(t), connectors.Statement{SQL: "ALTER TABLE " + target + " ATTACH PARTITION ALL FROM " + stage})
	}
	for _, row := range s.rows(t, "SELECT DISTINCT toString(n % 3) FROM "+stage) {
		st := connectors.Statement{SQL: "ALTER TABLE " + target + " ATTACH PARTITION ID ? FROM " + stage, Args: []any{row[0]}}
		if err := s.Exec(suiteContext(t), st); err != nil {
			return err
		}
	}
	return nil
}

// testAttachAfterAlter alters the target when the stage has been made: the server has to notice.
func testAttachAfterAlter(t *testing.T, s *databaseSuite) {
	target := s.table(t, "(n UInt64, text String) ENGINE = MergeTree"+attachKeys)
	stage := s.table(t, "AS "+target+" ENGINE = MergeTree"+attachKeys)
	s.insert(t, stage, numbers(0, 10))
	s.exec(t, "ALTER TABLE "+target+" ADD COLUMN later UInt8")
	if err := s.attach(t, target, stage); code(err) != 122 {
		t.Errorf("attaching a stage that lacks a column: %v, want code 122", err)
	}
	if n := s.count(t, target); n != 0 {
		t.Errorf("%d rows came into the target", n)
	}
}
