package clickhouse

import (
	"strings"
	"testing"

	"chute/connectors"
	"chute/connectors/native"
)

// TestSweep: a scratch table that a killed process left is dropped when it is old enough, and nothing else is.
func TestSweep(t *testing.T) {
	noLeaks(t)
	db := Open(Config{Address: []string{server.Address}})
	defer db.Close()
	made, err := db.Session(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s := made.(*session)
	for _, sql := range []string{
		"CREATE DATABASE sweeping", "CREATE TABLE sweeping.chute_probe_left (n UInt8) ENGINE = Log", "CREATE TABLE sweeping.chute_proben (n UInt8) ENGINE = Log",
	} {
		if err := s.Exec(t.Context(), connectors.Statement{SQL: sql}); err != nil {
			t.Fatal(err)
		}
	}
	tables := func() string {
		var names []string
		found, err := s.names(t.Context(), "SELECT name FROM system.tables WHERE database = 'sweeping' ORDER BY name")
		if err != nil {
			t.Fatal(err)
		}
		for name := range found {
			names = append(names, name)
		}
		return strings.Join(names, " ")
	}
	if err := s.sweep(t.Context(), leftover); err != nil || !strings.Contains(tables(), "chute_probe_left") {
		t.Errorf("a young one: %v, left %s", err, tables())
	}
	if err := s.sweep(t.Context(), -1); err != nil || tables() != "chute_proben" {
		t.Errorf("an old one: %v, left %s", err, tables())
	}
	if err := s.Exec(t.Context(), connectors.Statement{SQL: "DROP DATABASE " + native.Identifier("sweeping")}); err != nil {
		t.Error(err)
	}
}

// TestProbeWithoutRights: a user who may make no tables gets a session all the same, of a server that can do nothing for him.
func TestProbeWithoutRights(t *testing.T) {
	noLeaks(t)
	for _, user := range []string{"reader", "noddl"} {
		db := Open(Config{Address: []string{server.Address}, Username: user})
		s, err := db.Session(t.Context(), "")
		if err != nil {
			t.Errorf("%s: %v", user, err)
		} else if can := s.Server().Abilities; can.AttachAll || can.LightweightDelete || can.SkipIndexes || !can.Settings["max_memory_usage"] {
			t.Errorf("%s: %+v", user, can)
		}
		db.Close()
	}
}
