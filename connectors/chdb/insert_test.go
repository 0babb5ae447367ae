package chdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/native"
)

// numbers makes a block with one UInt64 column: from, from+1 …
func numbers(t testing.TB, name string, from, rows uint64) *native.Block {
	t.Helper()
	parsed, err := native.ParseType("UInt64")
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 0, 8*rows)
	for n := range rows {
		data = binary.LittleEndian.AppendUint64(data, from+n)
	}
	return &native.Block{Columns: []native.Column{{Name: name, Type: parsed}}, Data: [][]byte{data}, Rows: int(rows)}
}

func insertInto(t *testing.T, s connectors.Session, ctx context.Context, from connectors.Statement, columns []native.Column) connectors.Inserter {
	t.Helper()
	i, err := s.Insert(ctx, from, columns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Abort() })
	return i
}

func createNumbers(t *testing.T, s connectors.Session) connectors.Statement {
	t.Helper()
	execute(t, s, "CREATE DATABASE `d?`")
	execute(t, s, "CREATE TABLE `d?`.t (`n?` UInt64) ENGINE = MergeTree ORDER BY `n?`")
	return connectors.Statement{ID: "chute/1/1/insert", SQL: "`d?`.t"}
}

// residentMemory is the process's, in bytes, with everything that the engine takes.
func residentMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// A million rows go in and come back in pieces: a tenth of the memory that they take as a whole has to do.
func TestStreaming(t *testing.T) {
	s, ctx := openSession(t)
	execute(t, s, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	columns := []native.Column{column(t, "n", "UInt64"), column(t, "s", "String")}
	i := insertInto(t, s, ctx, connectors.Statement{SQL: "t"}, columns)
	const total, each, width = 1_000_000, 20_000, 150
	text := append(binary.AppendUvarint(nil, width), make([]byte, width)...)
	for from := uint64(0); from < total; from += each {
		b := numbers(t, "n", from, each)
		var data []byte
		for n := range uint64(each) {
			start := len(data)
			data = append(data, text...)
			binary.LittleEndian.PutUint64(data[start+2:], from+n)
		}
		b.Columns, b.Data = columns, append(b.Data, data)
		if err := i.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	wantRows(t, s, "SELECT count(), sum(n), uniqExact(s) FROM t", fmt.Sprintf("%d\t%d\t%d", total, uint64(total)*(total-1)/2, total))

	before, most, count, blocks := residentMemory(t), 0, 0, 0
	err := s.Query(ctx, connectors.Statement{SQL: "SELECT n, s FROM t"}, func(b *native.Block) error {
		count += b.Rows
		if blocks++; blocks%10 == 0 {
			most = max(most, residentMemory(t))
		}
		return nil
	})
	if err != nil || count != total {
		t.Fatalf("%d rows of %d, %v", count, total, err)
	}
	if grown := most - before; grown > total*(width+8)/2 {
		t.Errorf("reading %d MB took %d MB", total*(width+8)>>20, grown>>20)
	}
}

func TestInsertWithoutRows(t *testing.T) {
	s, ctx := openSession(t)
	table := createNumbers(t, s)
	i := insertInto(t, s, ctx, table, numbers(t, "n?", 0, 0).Columns)
	if err := i.Commit(); err != nil {
		t.Error(err)
	}
	if err := i.Abort(); err != nil {
		t.Error(err)
	}
	wantRows(t, s, "SELECT count() FROM `d?`.t", "0")
}

func TestAbort(t *testing.T) {
	s, ctx := openSession(t)
	table := createNumbers(t, s)
	for _, blocks := range []uint64{0, 1, 3} {
		b := numbers(t, "n?", 0, 1000)
		i := insertInto(t, s, ctx, table, b.Columns)
		for range blocks {
			if err := i.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		if err := i.Abort(); err != nil {
			t.Error(err)
		}
		if err := i.Write(b); !errors.Is(err, errAborted) {
			t.Errorf("write after abort: %v", err)
		}
		if err := i.Commit(); !errors.Is(err, errAborted) {
			t.Errorf("commit after abort: %v", err)
		}
	}
	wantRows(t, s, "SELECT count() FROM `d?`.t", "0")
	wantRows(t, s, "SELECT count() FROM system.processes WHERE Settings['log_comment'] LIKE '%insert%'", "0")
}

func TestBlocksUnlikeAnnounced(t *testing.T) {
	s, ctx := openSession(t)
	table := createNumbers(t, s)
	good := numbers(t, "n?", 0, 10)
	wrong := map[string]*native.Block{
		"name":    numbers(t, "m", 0, 1),
		"missing": {},
		"bytes":   {Columns: good.Columns, Data: [][]byte{make([]byte, 15)}, Rows: 2},
		"type":    {Columns: []native.Column{column(t, "n?", "UInt8")}, Data: [][]byte{{1}}, Rows: 1},
	}
	for name, b := range wrong {
		i := insertInto(t, s, ctx, table, good.Columns)
		if err := errors.Join(i.Write(good)); err != nil {
			t.Fatal(err)
		}
		if err := i.Write(b); err == nil {
			t.Errorf("%s: written", name)
		}
		if err := i.Commit(); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	wantRows(t, s, "SELECT count() FROM `d?`.t", "0")
}

func TestEngineErrorDuringInsert(t *testing.T) {
	s, ctx := openSession(t)
	execute(t, s, "CREATE TABLE t (n UInt64, CONSTRAINT small CHECK n < 1000000) ENGINE = MergeTree ORDER BY n")
	i := insertInto(t, s, ctx, connectors.Statement{SQL: "t"}, numbers(t, "n", 0, 0).Columns)
	var err error
	for from := uint64(900_000); err == nil && from < 100_000_000; from += 50_000 {
		err = i.Write(numbers(t, "n", from, 50_000))
	}
	var own *connectors.DatabaseError
	if !errors.As(err, &own) || own.Name != "VIOLATED_CONSTRAINT" {
		t.Errorf("write says %v", err)
	}
	if err := i.Commit(); !errors.As(err, &own) || own.Name != "VIOLATED_CONSTRAINT" {
		t.Errorf("commit says %v", err)
	}
}

func TestErrorAtCommit(t *testing.T) {
	s, ctx := openSession(t)
	execute(t, s, "CREATE TABLE t (n UInt64, CONSTRAINT small CHECK n < 10) ENGINE = MergeTree ORDER BY n")
	b := numbers(t, "n", 0, 11)
	i := insertInto(t, s, ctx, connectors.Statement{SQL: "t"}, b.Columns)
	if err := i.Write(b); err != nil {
		t.Fatal(err)
	}
	var own *connectors.DatabaseError
	if err := i.Commit(); !errors.As(err, &own) || own.Code != 469 || own.Name != "VIOLATED_CONSTRAINT" {
		t.Errorf("commit says %v", err)
	}
}

func TestInsertWhatDoesNotFit(t *testing.T) {
	s, ctx := openSession(t)
	execute(t, s, "CREATE TABLE t (n UInt64, d DateTime('Asia/Tokyo'), e Enum8('a' = 1), s LowCardinality(Nullable(String)), o Nullable(Int8), j JSON, nj Nullable(JSON)) ENGINE = MergeTree ORDER BY n")
	for columns, good := range map[string]bool{
		"n UInt64": true, "n UInt32": false, "n Int64": false, "n Nullable(UInt64)": false, "m UInt64": false, "n UInt64; n UInt64": false,
		"d DateTime('Asia/Tokyo')": true, "d UInt32": false, "e Enum8('a' = 1)": true, "e Enum8('a' = 1, 'b' = 2)": false, "e String": false,
		"s String": true, "s Nullable(String)": true, "s UInt8": false, "o Int8": true, "o Nullable(Int8)": true, "o Int16": false,
		"j String": true, "j JSON": true, "j UInt8": false, "j Nullable(String)": false,
		"nj String": true, "nj Nullable(String)": true, "nj Nullable(JSON)": true, "nj Nullable(UInt8)": false, "o Nullable(Int16)": false,
	} {
		var announced []native.Column
		for _, c := range strings.Split(columns, "; ") {
			name, typ, _ := strings.Cut(c, " ")
			announced = append(announced, column(t, name, typ))
		}
		i, err := s.Insert(ctx, connectors.Statement{SQL: "t"}, announced)
		if (err == nil) != good {
			t.Errorf("%s: %v", columns, err)
		}
		if err == nil {
			if err := i.Commit(); err != nil {
				t.Errorf("%s: %v", columns, err)
			}
		}
	}
	var own *connectors.DatabaseError
	if _, err := s.Insert(ctx, connectors.Statement{SQL: "missing"}, numbers(t, "n", 0, 0).Columns); !errors.As(err, &own) || own.Name != "UNKNOWN_TABLE" {
		t.Errorf("a missing table: %v", err)
	}
}

func TestConcurrentInserts(t *testing.T) {
	s, ctx := openSession(t)
	table := createNumbers(t, s)
	const inserts, blocks, each = 6, 10, 5_000
	errs := make(chan error, inserts)
	for n := range uint64(inserts) {
		go func() {
			i, err := s.Insert(ctx, table, numbers(t, "n?", 0, 0).Columns)
			for b := range uint64(blocks) {
				if err == nil {
					err = i.Write(numbers(t, "n?", (n*blocks+b)*each, each))
				}
			}
			if err == nil {
				err = i.Commit()
			}
			errs <- err
		}()
	}
	for range inserts {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	wantRows(t, s, "SELECT count(), uniqExact(`n?`) FROM `d?`.t", fmt.Sprintf("%d\t%d", inserts*blocks*each, inserts*blocks*each))
}

// An insert that waits for its writer is the one that a KILL alone doesn't reach.
func TestCancelInsert(t *testing.T) {
	s, _ := openSession(t)
	table := createNumbers(t, s)
	gaveUp := errors.New("gave up")
	for _, sent := range []uint64{0, 1000} {
		ctx, cancel := context.WithCancelCause(testContext(t))
		i := insertInto(t, s, ctx, table, numbers(t, "n?", 0, 0).Columns)
		if sent > 0 {
			if err := i.Write(numbers(t, "n?", 0, sent)); err != nil {
				t.Fatal(err)
			}
		}
		waitForStatement(t, s, table.ID)
		start := time.Now()
		cancel(gaveUp)
		<-i.(*inserter).finished
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("cancelling took %s", took)
		}
		if err := i.Commit(); !errors.Is(err, gaveUp) {
			t.Errorf("commit says %v", err)
		}
	}
	wantRows(t, s, "SELECT count() FROM `d?`.t", "0")
}

// A Write that waits for a slow engine ends when the context does.
func TestCancelWrite(t *testing.T) {
	s, _ := openSession(t)
	execute(t, s, "CREATE TABLE slow (n UInt64, m UInt64 MATERIALIZED n + sleepEachRow(1)) ENGINE = MergeTree ORDER BY n")
	gaveUp := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(testContext(t))
	defer cancel(nil)
	columns := numbers(t, "n", 0, 0).Columns
	from := connectors.Statement{ID: "slow", SQL: "slow", Settings: map[string]string{"function_sleep_max_microseconds_per_block": "0", "min_insert_block_size_rows": "1"}}
	i := insertInto(t, s, ctx, from, columns)
	var start time.Time
	var err error
	for n := uint64(0); err == nil && n < 1000; n++ {
		if n == 2 {
			waitForStatement(t, s, "slow")
			start = time.Now()
			cancel(gaveUp)
		}
		err = i.Write(numbers(t, "n", n*1000, 100_000))
	}
	if took := time.Since(start); !errors.Is(err, gaveUp) || took > 20*time.Second {
		t.Errorf("write says %v after %s", err, took)
	}
}

func TestPartitions(t *testing.T) {
	s, ctx := openSession(t)
	execute(t, s, "CREATE TABLE t (n UInt64) ENGINE = MergeTree PARTITION BY n % 400 ORDER BY n")
	b := numbers(t, "n", 0, 4000)
	i := insertInto(t, s, ctx, connectors.Statement{SQL: "t"}, b.Columns)
	if err := i.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	wantRows(t, s, "SELECT uniqExact(_partition_id), count() FROM t", "400\t4000")
}

// TestSync: after one failure nothing counts as synced any more, for nobody knows what is lost.
func TestSync(t *testing.T) {
	s, ctx := openSession(t)
	if err := s.Sync(ctx); err != nil {
		t.Error(err)
	}
	mend := breakDisk(t, s.database)
	first := s.Sync(ctx)
	mend()
	if again := s.Sync(ctx); first == nil || !errors.Is(again, first) {
		t.Errorf("a failed sync gives %v, the next one %v", first, again)
	}
}

// breakDisk makes every sync fail until it is mended.
func breakDisk(t *testing.T, d *Database) (mend func()) {
	t.Helper()
	good := d.disk.folder
	gone, err := os.Open(t.TempDir())
	if err == nil {
		err = gone.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	d.disk.folder = gone
	return func() { d.disk.folder = good }
}

// TestEarlySync: what a large insert has written is synced while it goes on, and a failure of that isn't lost.
func TestEarlySync(t *testing.T) {
	s, ctx := openSession(t)
	execute(t, s, "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
	b := numbers(t, "n", 0, 1<<20)
	i := insertInto(t, s, ctx, connectors.Statement{SQL: "t"}, b.Columns)
	mend := breakDisk(t, s.database)
	for range earlySync / b.Size() {
		if err := i.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	mend()
	if err := s.Sync(ctx); err == nil {
		t.Error("the early sync never came, or its failure is forgotten")
	}
}
