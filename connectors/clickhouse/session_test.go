package clickhouse

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/connectors/native"
)

func TestPassword(t *testing.T) {
	noLeaks(t)
	config := Config{Address: []string{server.Address, server.Address}, Username: "chute", Password: connectortest.ServerPassword}
	if err := sessionOf(t, config).Exec(testContext(t), connectors.Statement{SQL: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []Config{{Username: "chute", Password: "wrong"}, {Username: "nobody"}, {Database: "nowhere"}} {
		wrong.Address = config.Address
		_, err := open(t, wrong).Session(testContext(t), "")
		var database *connectors.DatabaseError
		if !errors.As(err, &database) || errors.Is(err, connectors.ErrUnavailable) {
			t.Errorf("user %q, database %q: %v, want the server's refusal", wrong.Username, wrong.Database, err)
		}
		if err != nil && wrong.Password != "" && strings.Contains(err.Error(), wrong.Password+" ") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestTLSRefusals(t *testing.T) {
	noLeaks(t)
	other := filepath.Join(t.TempDir(), "other.crt")
	if err := connectortest.WriteCertificate(other, filepath.Join(t.TempDir(), "other.key")); err != nil {
		t.Fatal(err)
	}
	for name, caFile := range map[string]string{
		"another authority": other, "the system's": "", "no such file": filepath.Join(t.TempDir(), "none"), "no certificate": filepath.Join(server.Dir, "config.xml"),
	} {
		_, err := open(t, Config{Address: []string{server.TLSAddress}, TLS: true, CAFile: caFile}).Session(testContext(t), "")
		if err == nil || errors.Is(err, connectors.ErrUnavailable) {
			t.Errorf("%s: %v, want an error that waiting doesn't cure", name, err)
		}
	}
	// TLS to a port without it, and the other way round.
	_, err := open(t, Config{Address: []string{server.Address}, TLS: true, CAFile: server.CAFile}).Session(testContext(t), "")
	if err == nil || errors.Is(err, connectors.ErrUnavailable) || !strings.Contains(err.Error(), "secure port") {
		t.Errorf("TLS to the plain port: %v", err)
	}
	_, err = open(t, Config{Address: []string{server.TLSAddress}}).Session(testContext(t), "")
	if !errors.Is(err, connectors.ErrUnavailable) || !strings.Contains(err.Error(), "a port for TLS") {
		t.Errorf("plain text to the TLS port: %v", err)
	}
}

func TestMaxMemory(t *testing.T) {
	noLeaks(t)
	s := sessionOf(t, Config{Address: []string{server.Address}, MaxMemory: 30_000_000})
	st := connectors.Statement{SQL: "SELECT uniqExact(number) FROM numbers(10000000)"}
	var database *connectors.DatabaseError
	if err := s.Exec(testContext(t), st); !errors.As(err, &database) || database.Code != 241 {
		t.Errorf("a statement that needs more than MaxMemory: %v", err)
	}
	st.Settings = map[string]string{"max_memory_usage": "3000000000"}
	if err := s.Exec(testContext(t), st); err != nil {
		t.Errorf("a statement that says itself how much it needs: %v", err)
	}
}

// TestSettingOfText: old servers have no way to send one with a statement.
func TestSettingOfText(t *testing.T) {
	noLeaks(t)
	s := sessionOf(t, Config{Address: []string{server.Address}})
	err := s.Exec(testContext(t), connectors.Statement{SQL: "SELECT 1", Settings: map[string]string{"load_balancing": "random"}})
	if err == nil || !strings.Contains(err.Error(), "load_balancing") {
		t.Errorf("the error is %v", err)
	}
}

// TestInsertOfText: the server would wait for rows that nobody sends.
func TestInsertOfText(t *testing.T) {
	noLeaks(t)
	s := sessionOf(t, Config{Address: []string{server.Address}})
	ctx := testContext(t)
	if err := s.Exec(ctx, connectors.Statement{SQL: "CREATE TABLE insert_of_text (n UInt64) ENGINE = Memory"}); err != nil {
		t.Fatal(err)
	}
	defer s.Exec(ctx, connectors.Statement{SQL: "DROP TABLE insert_of_text"})
	err := s.Exec(ctx, connectors.Statement{SQL: " insert into insert_of_text values (1)"})
	if err == nil || !strings.Contains(err.Error(), "Session.Insert") {
		t.Errorf("the error is %v", err)
	}
}

// TestAnotherVersion: a server that was replaced meanwhile is asked anew what it can do.
func TestAnotherVersion(t *testing.T) {
	noLeaks(t)
	d := open(t, Config{Address: []string{server.Address}})
	first, err := d.Session(testContext(t), "")
	if err != nil {
		t.Fatal(err)
	}
	s := first.(*session)
	s.probed, s.server = "ClickHouse 1.1", connectors.Server{Version: "1.1"}
	second, err := d.Session(testContext(t), "")
	if err != nil {
		t.Fatal(err)
	}
	if second != first || second.Server().Version != "18.16.1" {
		t.Errorf("the version is %s in the same session: %v", second.Server().Version, second == first)
	}
}

func TestAfterClose(t *testing.T) {
	noLeaks(t)
	d := Open(Config{Address: []string{server.Address}})
	if _, err := d.Session(testContext(t), ""); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Session(testContext(t), ""); err == nil {
		t.Error("a session after Close")
	}
}

// TestPacketsThatWait: a connection is used again only when it answers; one that was cut is replaced without a word.
func TestPacketsThatWait(t *testing.T) {
	noLeaks(t)
	s := sessionOf(t, Config{Address: []string{server.Address}}).(*session)
	for _, c := range s.idle {
		c.close()
	}
	if len(s.idle) == 0 {
		t.Fatal("no idle connection")
	}
	if err := s.Exec(testContext(t), connectors.Statement{SQL: "SELECT 1"}); err != nil {
		t.Error(err)
	}
}

// BenchmarkInsert sends blocks of 10 columns: the wire's part in a load.
func BenchmarkInsert(b *testing.B) {
	d := Open(Config{Address: []string{server.Address}})
	defer d.Close()
	ctx := b.Context()
	s, err := d.Session(ctx, "")
	if err != nil {
		b.Fatal(err)
	}
	const rows = 65536
	block := &native.Block{Rows: rows}
	var columns []string
	for i := range 10 {
		name := "c" + string(rune('0'+i))
		block.Columns = append(block.Columns, native.Column{Name: name, Type: numberColumn[0].Type})
		block.Data = append(block.Data, make([]byte, 8*rows))
		columns = append(columns, name+" UInt64")
	}
	if err := s.Exec(ctx, connectors.Statement{SQL: "CREATE TABLE bench (" + strings.Join(columns, ", ") + ") ENGINE = Null"}); err != nil {
		b.Fatal(err)
	}
	defer s.Exec(ctx, connectors.Statement{SQL: "DROP TABLE bench"})
	b.SetBytes(int64(block.Size()))
	i, err := s.Insert(ctx, connectors.Statement{SQL: "bench"}, block.Columns)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	for b.Loop() {
		if err := i.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	if err := i.Commit(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(rows*b.N)/time.Since(start).Seconds(), "rows/s")
}
