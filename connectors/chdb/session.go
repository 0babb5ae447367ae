package chdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"chute/connectors"
	"chute/connectors/native"
)

// Session is the line to the engine. There is one for each Database.
type Session struct {
	database *Database
	server   connectors.Server
}

var _ connectors.Session = (*Session)(nil)

// Server describes the engine, as it was asked when it was opened.
func (s *Session) Server() connectors.Server { return s.server }

// Exec runs a statement; what it may answer is dropped by the engine.
func (s *Session) Exec(ctx context.Context, from connectors.Statement) error {
	st, err := s.database.begin(ctx, from)
	if err != nil {
		return err
	}
	st.watch()
	return st.end(st.connection.exec(st.sql))
}

// Kill ends the statements of this process whose ID begins with idPrefix: an embedded engine has no others, and none
// outlives its process. A killed statement's error is the one a server gives, QUERY_WAS_CANCELLED.
func (s *Session) Kill(ctx context.Context, idPrefix string) error {
	if idPrefix == "" {
		return errors.New("kill statements: an empty prefix would be all of them")
	}
	var found []*statement
	s.database.mutex.Lock()
	for st := range s.database.running {
		if strings.HasPrefix(st.id, idPrefix) {
			found = append(found, st)
		}
	}
	s.database.mutex.Unlock()

	for _, st := range found {
		st.cancel(&connectors.DatabaseError{Code: wasCancelled, Name: "QUERY_WAS_CANCELLED", Message: fmt.Sprintf("statement %q was killed", st.id)})
	}
	for _, st := range found {
		select {
		case <-st.gone:
		case <-ctx.Done():
			return fmt.Errorf("kill statements %q: %w", idPrefix, context.Cause(ctx))
		}
	}
	return nil
}

// Sync makes everything written so far survive a power cut, by syncing the file system that the data are on.
func (s *Session) Sync(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("sync the engine's data: %w", context.Cause(ctx))
	}
	return s.database.disk.sync()
}

// describe fills in what Server tells.
func (s *Session) describe(ctx context.Context) error {
	s.server = connectors.Server{Address: "embedded:" + s.database.path, Embedded: true}
	a := &s.server.Abilities
	var err error
	if a.Settings, err = s.names(ctx, "SELECT name FROM system.settings"); err != nil {
		return err
	}
	if a.MergeTreeSettings, err = s.names(ctx, "SELECT name FROM system.merge_tree_settings"); err != nil {
		return err
	}
	if a.Types, err = s.names(ctx, "SELECT name FROM system.data_type_families"); err != nil {
		return err
	}
	versions, err := s.names(ctx, "SELECT version()")
	if err != nil {
		return err
	}
	for v := range versions {
		s.server.Version = v
	}
	lastDay, err := s.names(ctx, "SELECT toString(toDate(65535))")
	if err != nil {
		return err
	}
	a.LateDates = lastDay["2149-06-06"]
	a.MutationsSync = a.Settings["mutations_sync"]
	a.FsyncSettings = a.MergeTreeSettings["fsync_after_insert"] && a.MergeTreeSettings["fsync_part_directory"]
	a.SyncsAll = true
	return s.probe(ctx)
}

// names returns the only column of a query's result as a set.
func (s *Session) names(ctx context.Context, sql string) (map[string]bool, error) {
	set := map[string]bool{}
	err := s.Query(ctx, connectors.Statement{SQL: sql}, func(b *native.Block) error {
		names, err := texts(b, 0)
		for _, n := range names {
			set[n] = true
		}
		return err
	})
	return set, err
}

// The scratch database of the probes. It is kept in memory: of an ordinary one the engine leaves empty folders. What a crash left of its tables
// is removed before the engine starts.
const scratch = connectors.ProbePrefix + "abilities"

// probe tries what no system table tells, on empty tables.
func (s *Session) probe(ctx context.Context) error {
	must := func(sql string) error { return s.Exec(ctx, connectors.Statement{SQL: sql}) }
	can := func(sql string) bool { return must(sql) == nil }
	if err := must("CREATE DATABASE " + scratch + " ENGINE = Memory"); err != nil {
		return err
	}
	for _, table := range []string{"a", "b"} {
		if err := must("CREATE TABLE " + scratch + "." + table + " (n UInt8) ENGINE = MergeTree PARTITION BY n ORDER BY n"); err != nil {
			return err
		}
	}
	a := &s.server.Abilities
	a.AttachAll = can("ALTER TABLE " + scratch + ".b ATTACH PARTITION ALL FROM " + scratch + ".a")
	a.LightweightDelete = can("DELETE FROM " + scratch + ".b WHERE n = 1")
	a.SkipIndexes = can("CREATE TABLE " + scratch + ".c (n UInt8, INDEX i n TYPE minmax) ENGINE = MergeTree ORDER BY n")
	if err := context.Cause(ctx); err != nil {
		return err // a probe that was cut short tells nothing
	}
	return must("DROP DATABASE " + scratch)
}
