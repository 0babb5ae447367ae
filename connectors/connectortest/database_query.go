package connectortest

import (
	"errors"
	"fmt"
	"testing"

	"chute/connectors"
	"chute/connectors/native"
)

func testQuery(t *testing.T, s *databaseSuite) {
	const rows = 200_000
	blocks, next := 0, uint64(0)
	st := connectors.Statement{SQL: "SELECT number AS n, toString(number) AS text FROM numbers(200000)", Settings: map[string]string{"max_block_size": "10000"}}
	err := s.Query(suiteContext(t), st, func(b *native.Block) error {
		if len(b.Columns) != 2 || b.Columns[0].Name != "n" || b.Columns[1].Name != "text" || b.Columns[1].Type.String() != "String" {
			return fmt.Errorf("the columns are %v", b.Columns)
		}
		if b.Rows > 0 {
			blocks++
		}
		numbers, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		if err != nil {
			return err
		}
		texts, err := native.Values(b.Columns[1], b.Data[1], b.Rows)
		for i := range numbers {
			if numbers[i] != next || texts[i] != fmt.Sprint(next) {
				return fmt.Errorf("row %d is %v, %v", next, numbers[i], texts[i])
			}
			next++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if next != rows || blocks < 2 {
		t.Errorf("%d rows in %d blocks, want %d in several", next, blocks, rows)
	}
}

func testQueryWithoutRows(t *testing.T, s *databaseSuite) {
	if rows := s.rows(t, "SELECT number FROM numbers(10) WHERE number > 10"); len(rows) != 0 {
		t.Errorf("%d rows of an empty result", len(rows))
	}
	// A row of no tables, and one more of the totals, which aren't part of the result.
	if rows := s.rows(t, "SELECT number % 2 AS k, count() FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k"); len(rows) != 2 {
		t.Errorf("%d rows of a result of 2 with totals", len(rows))
	}
}

// testQueryFails lets the server fail when part of the result has been read.
func testQueryFails(t *testing.T, s *databaseSuite) {
	id := statementID()
	st := connectors.Statement{ID: id, SQL: "SELECT intDiv(1, 150000 - number) FROM numbers(200000)", Settings: map[string]string{"max_block_size": "1000", "max_threads": "1"}}
	if _, err := s.collect(suiteContext(t), st); code(err) != 153 {
		t.Errorf("a division by zero in the middle of a result: %v", err)
	}
	s.awaitGone(t, id)
}

// testQueryStopped lets the caller have enough of an endless result.
func testQueryStopped(t *testing.T, s *databaseSuite) {
	enough := errors.New("enough")
	id, rows := statementID(), 0
	st := connectors.Statement{ID: id, SQL: "SELECT number FROM numbers(1000000000000)"}
	err := s.Query(suiteContext(t), st, func(b *native.Block) error {
		if rows += b.Rows; rows > 100_000 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("the caller's error came back as %v", err)
	}
	if n := s.running(t, id); n != 0 {
		t.Errorf("%d statements run on after the caller's error", n)
	}
	if got := s.value(t, "SELECT toUInt64(7)"); got != uint64(7) {
		t.Errorf("after a stopped query 7 is %v", got)
	}
}
