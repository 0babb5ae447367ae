package clickhouse

import (
	"context"
	"crypto/rand"
	"errors"

	chproto "github.com/ClickHouse/ch-go/proto"

	"chute/connectors"
	"chute/connectors/native"
)

// probe asks the server what it is and can do.
func (s *session) probe(ctx context.Context) (connectors.Server, error) {
	server := connectors.Server{Address: s.address}
	version, err := s.names(ctx, "SELECT version()")
	if err != nil {
		return server, err
	}
	for v := range version {
		server.Version = v
	}
	a := &server.Abilities
	if a.Settings, err = s.names(ctx, "SELECT name FROM system.settings"); err != nil {
		return server, err
	}
	if a.MergeTreeSettings, err = s.names(ctx, "SELECT name FROM system.merge_tree_settings"); err != nil {
		return server, err
	}
	if a.Types, err = s.names(ctx, "SELECT name FROM system.data_type_families"); err != nil {
		return server, err
	}
	lastDay, err := s.names(ctx, "SELECT toString(toDate(65535))")
	if err != nil {
		return server, err
	}
	a.LateDates = lastDay["2149-06-06"]
	a.MutationsSync = a.Settings["mutations_sync"]
	a.FsyncSettings = a.MergeTreeSettings["fsync_after_insert"] && a.MergeTreeSettings["fsync_part_directory"]
	return server, s.try(ctx, a)
}

// names returns the values of a result of one String column.
func (s *session) names(ctx context.Context, sql string) (map[string]bool, error) {
	names := map[string]bool{}
	err := s.Query(ctx, connectors.Statement{SQL: sql}, func(b *native.Block) error {
		values, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		for _, v := range values {
			if name, ok := v.(string); ok {
				names[name] = true
			}
		}
		return err
	})
	return names, err
}

// try finds out by trial, on scratch tables without rows, which statements the server understands.
func (s *session) try(ctx context.Context, a *connectors.Abilities) (err error) {
	// What the server can't do of that is done another time: one of 2018 fails the question while somebody else's table is dropped.
	if err := s.sweep(ctx, leftover); err != nil && !errors.As(err, new(*connectors.DatabaseError)) {
		return err
	}
	name := connectors.ProbePrefix + rand.Text()
	to, from, indexed := native.Identifier(name+"_to"), native.Identifier(name+"_from"), native.Identifier(name+"_index")
	defer func() { err = errors.Join(err, s.drop(ctx, to, from, indexed)) }()
	for _, table := range []string{to, from} {
		understood, err := s.understands(ctx, "CREATE TABLE "+table+" (n UInt64) ENGINE = MergeTree ORDER BY n")
		if err != nil || !understood {
			return err // no right to make tables: then the rest cannot be used either
		}
	}
	for _, trial := range []struct {
		able *bool
		sql  string
	}{
		{&a.SkipIndexes, "CREATE TABLE " + indexed + " (n UInt64, INDEX i n TYPE minmax GRANULARITY 1) ENGINE = MergeTree ORDER BY n"},
		{&a.AttachAll, "ALTER TABLE " + to + " ATTACH PARTITION ALL FROM " + from},
		{&a.LightweightDelete, "DELETE FROM " + to + " WHERE n = 1"},
	} {
		if *trial.able, err = s.understands(ctx, trial.sql); err != nil {
			return err
		}
	}
	return nil
}

// leftover is the age in seconds from which a scratch table is nobody's: a trial takes less than a second.
const leftover = 60

// sweep drops scratch tables that killed processes left. Whoever may not drop one leaves it.
func (s *session) sweep(ctx context.Context, age int) error {
	var left []string
	err := s.Query(ctx, connectors.Statement{
		SQL: "SELECT database, name FROM system.tables WHERE startsWith(name, ?)" +
			" AND toUnixTimestamp(metadata_modification_time) BETWEEN 1 AND toUnixTimestamp(now()) - ?",
		Args: []any{connectors.ProbePrefix, age},
	}, func(b *native.Block) error {
		if b.Rows == 0 {
			return nil
		}
		databases, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		if err != nil {
			return err
		}
		names, err := native.Values(b.Columns[1], b.Data[1], b.Rows)
		for i, name := range names {
			left = append(left, native.Table(databases[i].(string), name.(string)))
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, table := range left {
		if err := s.drop(ctx, table); err != nil && !errors.As(err, new(*connectors.DatabaseError)) {
			return err
		}
	}
	return nil
}

// drop drops scratch tables, also when ctx has ended. DROP … SYNC can hang in some versions.
func (s *session) drop(ctx context.Context, tables ...string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTimeout)
	defer cancel()
	for _, table := range tables {
		if _, err := s.understands(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
			return err
		}
	}
	return nil
}

// refusals are the errors by which servers say that they don't have something, or that we may not use it.
var refusals = map[chproto.Error]bool{
	chproto.ErrBadArguments:          true, // 36
	chproto.ErrUnknownIdentifier:     true, // 47: ALL is taken for a column
	chproto.ErrNotImplemented:        true, // 48
	chproto.ErrSyntaxError:           true, // 62
	chproto.ErrIncorrectQuery:        true, // 80
	chproto.ErrUnknownTypeOfQuery:    true, // 78
	chproto.ErrReadonly:              true, // 164
	chproto.ErrDatabaseAccessDenied:  true, // 291
	chproto.ErrQueryIsProhibited:     true, // 392: a profile with allow_ddl = 0
	chproto.ErrInvalidPartitionValue: true, // 248
	chproto.ErrSupportIsDisabled:     true, // 344
	chproto.ErrAccessDenied:          true, // 497
}

// understands tells whether the statement worked; other errors than a refusal say nothing about that.
func (s *session) understands(ctx context.Context, sql string) (bool, error) {
	err := s.Exec(ctx, connectors.Statement{SQL: sql})
	var database *connectors.DatabaseError
	if errors.As(err, &database) && refusals[chproto.Error(database.Code)] {
		return false, nil
	}
	return err == nil, err
}
