package connectortest

import (
	"errors"
	"fmt"
	"testing"

	"chute/connectors"
	"chute/connectors/native"
)

func testInsert(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	const blocks, rows = 10, 50_000
	i, err := s.Insert(suiteContext(t), connectors.Statement{ID: statementID(), SQL: table}, numbers(0, 0).Columns)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Abort()
	b := numbers(0, rows)
	for n := range blocks {
		copy(b.Data[0], numbers(n*rows, rows).Data[0]) // the block is used again and again
		if err := i.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.Write(numbers(0, 0)); err != nil {
		t.Errorf("a block without rows: %v", err)
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := i.Abort(); err != nil {
		t.Errorf("Abort after Commit: %v", err)
	}
	if err := i.Write(b); err == nil {
		t.Error("Write after Commit was accepted")
	}
	if got := s.rows(t, "SELECT count(), uniqExact(n), max(n) FROM "+table); fmt.Sprint(got) != "[[500000 500000 499999]]" {
		t.Errorf("count, distinct values and maximum are %v", got)
	}
}

// testInsertByName has the table's columns in another order, one missing, and names that have to be quoted.
func testInsertByName(t *testing.T, s *databaseSuite) {
	odd := "o`d\\d, '\"?"
	table := s.table(t, "(a UInt8, b String DEFAULT 'none', "+native.Identifier(odd)+" UInt16, d UInt64) ENGINE = MergeTree ORDER BY a")
	s.insert(t, table, &native.Block{
		Columns: []native.Column{column("d", "UInt64"), column(odd, "UInt16"), column("a", "UInt8")},
		Data:    [][]byte{little(nil, 8, 5, 6), little(nil, 2, 3, 4), {1, 2}},
		Rows:    2,
	})
	if got := s.rows(t, "SELECT * FROM "+table+" ORDER BY a"); fmt.Sprint(got) != "[[1 none 3 5] [2 none 4 6]]" {
		t.Errorf("the rows are %v", got)
	}
}

func testInsertNothing(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	s.insert(t, table, numbers(0, 0))
	if n := s.count(t, table); n != 0 {
		t.Errorf("%d rows after an insert of none", n)
	}
}

// testInsertSmallBlocks sends blocks of ten rows, which must not become parts each.
func testInsertSmallBlocks(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	const blocks = 5000
	i, err := s.Insert(suiteContext(t), connectors.Statement{SQL: table}, numbers(0, 0).Columns)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Abort()
	for n := range blocks {
		if err := i.Write(numbers(10*n, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, table); n != 10*blocks {
		t.Errorf("%d rows, want %d", n, 10*blocks)
	}
	parts := s.value(t, "SELECT count() FROM system.parts WHERE database = currentDatabase() AND startsWith(table, 'suite') AND active AND rows = ?", 10*blocks)
	if parts != uint64(1) {
		t.Errorf("%v parts with all the rows", parts)
	}
}

func testInsertAbort(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	for _, blocks := range []int{0, 1, 20} {
		id := statementID()
		i, err := s.Insert(suiteContext(t), connectors.Statement{ID: id, SQL: table}, numbers(0, 0).Columns)
		if err != nil {
			t.Fatal(err)
		}
		for n := range blocks {
			if err := i.Write(numbers(n, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.running(t, id); n != 1 {
			t.Errorf("%d statements of the insert run", n)
		}
		for range 2 {
			if err := i.Abort(); err != nil {
				t.Errorf("Abort: %v", err)
			}
		}
		if err := i.Commit(); err == nil {
			t.Error("Commit after Abort succeeded")
		}
		if n := s.running(t, id); n != 0 {
			t.Errorf("%d statements run after Abort", n)
		}
	}
	if n := s.count(t, table); n > 21000 {
		t.Errorf("%d rows of 21000", n)
	}
	s.exec(t, "DROP TABLE "+table) // an insert still open would hold it
}

// testInsertRefused tries what cannot fit: each has to be an error at some point before Commit succeeds.
func testInsertRefused(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64, e Enum8('a' = 1)) ENGINE = MergeTree ORDER BY n")
	n, e := column("n", "UInt64"), column("e", "Enum8('a' = 1)")
	eight := little(nil, 8, 1)
	for name, c := range map[string]struct {
		table   string
		columns []native.Column // announced
		block   *native.Block
	}{
		"unknown table":     {"suite_no_such_table", []native.Column{n}, numbers(0, 1)},
		"unknown column":    {table, []native.Column{column("m", "UInt64")}, &native.Block{Columns: []native.Column{column("m", "UInt64")}, Data: [][]byte{eight}, Rows: 1}},
		"other type":        {table, []native.Column{column("n", "Int64")}, &native.Block{Columns: []native.Column{column("n", "Int64")}, Data: [][]byte{eight}, Rows: 1}},
		"other width":       {table, []native.Column{column("n", "UInt8")}, &native.Block{Columns: []native.Column{column("n", "UInt8")}, Data: [][]byte{{1}}, Rows: 1}},
		"other enum":        {table, []native.Column{column("e", "Enum8('a' = 1, 'b' = 2)")}, &native.Block{Columns: []native.Column{column("e", "Enum8('a' = 1, 'b' = 2)")}, Data: [][]byte{{2}}, Rows: 1}},
		"column twice":      {table, []native.Column{n, n}, &native.Block{Columns: []native.Column{n, n}, Data: [][]byte{eight, eight}, Rows: 1}},
		"not as announced":  {table, []native.Column{n, e}, numbers(0, 1)},
		"another name":      {table, []native.Column{n}, &native.Block{Columns: []native.Column{column("m", "UInt64")}, Data: [][]byte{eight}, Rows: 1}},
		"too few bytes":     {table, []native.Column{n}, &native.Block{Columns: []native.Column{n}, Data: [][]byte{eight[:7]}, Rows: 1}},
		"too many bytes":    {table, []native.Column{n}, &native.Block{Columns: []native.Column{n}, Data: [][]byte{append(eight, 0)}, Rows: 1}},
		"fewer rows in one": {table, []native.Column{n, e}, &native.Block{Columns: []native.Column{n, e}, Data: [][]byte{eight, nil}, Rows: 1}},
	} {
		id := statementID()
		i, err := s.Insert(suiteContext(t), connectors.Statement{ID: id, SQL: c.table}, c.columns)
		if err == nil {
			if err = i.Write(c.block); err == nil {
				err = i.Commit()
			}
			if err2 := i.Abort(); err2 != nil {
				t.Errorf("%s: Abort: %v", name, err2)
			}
		}
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if errors.Is(err, connectors.ErrUnavailable) {
			t.Errorf("%s: taken for an outage: %v", name, err)
		}
		if running := s.running(t, id); running != 0 {
			t.Errorf("%s: %d statements run on", name, running)
		}
	}
	if rows := s.count(t, table); rows != 0 {
		t.Errorf("%d rows came into the table", rows)
	}
}

// testInsertFails gives the server too little memory for the insert: its error has to come back as what it is.
func testInsertFails(t *testing.T, s *databaseSuite) {
	table := s.table(t, "(n UInt64) ENGINE = MergeTree ORDER BY n")
	id := statementID()
	st := connectors.Statement{ID: id, SQL: table, Settings: map[string]string{"max_memory_usage": "8000000", "min_insert_block_size_bytes": "268435456"}}
	i, err := s.Insert(suiteContext(t), st, numbers(0, 0).Columns)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Abort()
	block := numbers(0, 200_000)
	for range 200 {
		if err = i.Write(block); err != nil {
			break
		}
	}
	first := err
	if err == nil {
		first = i.Commit()
	}
	if code(first) != 241 {
		t.Errorf("too little memory: %v", first)
	}
	if err := i.Write(block); err == nil {
		t.Error("Write after the insert failed was accepted")
	}
	if err := i.Commit(); err == nil {
		t.Error("Commit after the insert failed succeeded")
	}
	if err := i.Abort(); err != nil {
		t.Errorf("Abort after the insert failed: %v", err)
	}
	s.awaitGone(t, id)
}
