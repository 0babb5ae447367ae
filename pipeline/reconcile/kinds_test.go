package reconcile

import (
	"fmt"
	"strings"
	"testing"
)

// kind is a target of some kind. Its columns are these, and more.
type kind struct {
	name   string
	only   string // the engine that has such tables; both if empty
	more   string // more elements of the list of columns
	engine string
	days   int // partitions, where the partition is the day
	insert bool
	after  string // another statement
	vague  bool   // the number of rows doesn't tell
}

const baseColumns = "id UInt64, d Date, s String, _chute_run UInt64, _chute_record UInt64"

// kinds are the targets that people have. Names are hostile where that is possible.
var kinds = []kind{
	{name: "order by tuple", engine: "MergeTree ORDER BY tuple()"},
	{name: "one key", engine: "MergeTree ORDER BY (id)"},
	{name: "tuple of one", engine: "MergeTree PARTITION BY tuple(id % 3) ORDER BY tuple(id)"},
	{name: "key with a function", engine: "MergeTree ORDER BY (cityHash64(s, 'a,b)'))"},
	{name: "nested key", engine: "MergeTree ORDER BY ((id, s), d)"},
	{name: "partition by tuple()", engine: "MergeTree PARTITION BY tuple() ORDER BY id"},
	{name: "partition by expression", engine: "MergeTree PARTITION BY toMonday(d) ORDER BY id", days: 30},
	{name: "partition by several", engine: "MergeTree PARTITION BY (toYYYYMM(d), id % 2, s) ORDER BY (id, s)", days: 40},
	{name: "partition by string", more: ", `a, b (``)'\"?` String DEFAULT 'it''s, (odd) ?'", engine: "MergeTree PARTITION BY `a, b (``)'\"?` ORDER BY (`a, b (``)'\"?`, s)"},
	{name: "400 days", engine: "MergeTree PARTITION BY d ORDER BY id", days: 400},
	{name: "keywords", more: ", TTL Date, SETTINGS UInt8, ORDER UInt8, SAMPLE UInt8, `CHECK` UInt8, `CONSTRAINT` UInt8 DEFAULT 7, `PROJECTION` Nullable(UInt8)",
		engine: "MergeTree PARTITION BY TTL ORDER BY (SETTINGS, ORDER, SAMPLE) PRIMARY KEY SETTINGS"},
	{name: "short primary key", engine: "MergeTree ORDER BY (id, d, s) PRIMARY KEY (id, d)"},
	{name: "no primary key", engine: "MergeTree ORDER BY (id, d) PRIMARY KEY tuple()"},
	{name: "sample", engine: "MergeTree PARTITION BY toYYYYMM(d) ORDER BY (id, intHash32(id)) SAMPLE BY intHash32(id)", days: 90},
	{name: "settings", engine: "MergeTree ORDER BY id SETTINGS index_granularity = 1024"},
	{name: "defaults", more: ", n Nullable(UInt8), e String DEFAULT concat(s, ', (y)'), m UInt64 MATERIALIZED id + 1, a String ALIAS concat(s, 'z')", engine: "MergeTree ORDER BY (id, m)"},
	{name: "flattened", more: ", `n.a` Array(UInt8), `n.b` Array(String), t Tuple(UInt8, String)", engine: "MergeTree ORDER BY id"},
	{name: "nested", more: ", n Nested(a UInt8, b String), t Tuple(UInt8, String)", engine: "MergeTree ORDER BY id"},
	{name: "low cardinality", more: ", l LowCardinality(String), u LowCardinality(UInt64)", engine: "MergeTree ORDER BY (l, id)"},
	{name: "nothing but old types", more: ", f FixedString(300), c Decimal(9, 2), e Enum8('a, b' = 1, 'it''s' = -1), t DateTime('Europe/Berlin'), r Array(Array(UInt8))", engine: "MergeTree ORDER BY id"},
	{name: "odd, `table\\ 'name\". é)", engine: "MergeTree ORDER BY id"},

	{name: "replacing", engine: "ReplacingMergeTree PARTITION BY toYYYYMM(d) ORDER BY id", days: 90},
	{name: "replacing with version", engine: "ReplacingMergeTree(_chute_run) ORDER BY id"},
	{name: "summing", engine: "SummingMergeTree(v) ORDER BY id", more: ", v UInt64", vague: true},
	{name: "aggregating", engine: "AggregatingMergeTree ORDER BY id", more: ", v AggregateFunction(sum, UInt64)", vague: true},
	{name: "collapsing", engine: "CollapsingMergeTree(v) ORDER BY id", more: ", v Int8 DEFAULT 1", vague: true},
	{name: "versioned collapsing", engine: "VersionedCollapsingMergeTree(v, w) ORDER BY id", more: ", v Int8 DEFAULT 1, w UInt8", vague: true},

	{name: "view attached", engine: "MergeTree PARTITION BY toYYYYMM(d) ORDER BY id", days: 90, insert: true,
		after: "CREATE MATERIALIZED VIEW view ENGINE = MergeTree ORDER BY id AS SELECT id FROM T"},
	{name: "replacing, view attached", engine: "ReplacingMergeTree ORDER BY id", insert: true,
		after: "CREATE MATERIALIZED VIEW view ENGINE = MergeTree ORDER BY id AS SELECT id FROM T"},
	{name: "null, view attached", engine: "Null", insert: true, vague: true,
		after: "CREATE MATERIALIZED VIEW view ENGINE = MergeTree ORDER BY id AS SELECT id FROM T"},
	{name: "log", engine: "Log", insert: true, vague: true},
	{name: "memory", engine: "Memory", insert: true, vague: true},

	{name: "before 2018", only: "server", engine: "MergeTree(d, intHash32(id), (id, intHash32(id)), 8192)", insert: true},

	{name: "descending", only: "embedded", engine: "MergeTree ORDER BY (id DESC, s) SETTINGS allow_experimental_reverse_key = 1"},
	{name: "nullable and float keys", only: "embedded", more: ", n Nullable(UInt8), f Float64", engine: "MergeTree PARTITION BY f ORDER BY n SETTINGS allow_nullable_key = 1, allow_floating_point_partition_key = 1"},
	{name: "sample elsewhere", only: "embedded", more: ", h UInt32", engine: "MergeTree ORDER BY id SAMPLE BY h SETTINGS compatibility_allow_sampling_expression_not_in_primary_key = 1"},
	{name: "fixed granularity", only: "embedded", engine: "MergeTree ORDER BY id SETTINGS index_granularity_bytes = 0"},
	{name: "synced", only: "embedded", engine: "MergeTree ORDER BY id SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"},
	{name: "deduplicating", only: "embedded", engine: "MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100"},
	{name: "block numbers", only: "embedded", engine: "MergeTree ORDER BY id SETTINGS enable_block_number_column = 1, enable_block_offset_column = 1"},
	{name: "indexes and projection", only: "embedded", engine: "MergeTree ORDER BY id",
		more: ", INDEX `i, (x)` s TYPE set(100) GRANULARITY 2, INDEX j _chute_run TYPE minmax, PROJECTION p (SELECT s, count() GROUP BY s)"},
	{name: "rows expire", only: "embedded", engine: "MergeTree PARTITION BY toYYYYMM(d) ORDER BY id TTL d + INTERVAL 1 DAY DELETE WHERE id > 10, d + INTERVAL 1 YEAR", days: 90},
	{name: "values expire", only: "embedded", engine: "MergeTree ORDER BY id",
		more: ", v String DEFAULT 'gone' COMMENT 'TTL, it''s' CODEC(ZSTD(1)) TTL d + INTERVAL 1 DAY, w UInt8 TTL d + INTERVAL 1 DAY, `TTL` UInt8 DEFAULT w, `T``L` UInt8 TTL d + INTERVAL 2 DAY"},
	{name: "comments and codecs", only: "embedded", engine: "MergeTree ORDER BY id COMMENT 'ORDER BY x TTL y SETTINGS z = 1'", more: ", c String COMMENT 'it''s a (comment), really' CODEC(Delta(1), LZ4HC(3)), e UInt8 STATISTICS(minmax)"},
	{name: "ephemeral", only: "embedded", engine: "MergeTree ORDER BY id", more: ", e String EPHEMERAL 'z', m UInt64 MATERIALIZED length(e), q UInt64 DEFAULT length(e)"},
	{name: "new types", only: "embedded", engine: "MergeTree ORDER BY id", more: ", b Bool, m Map(String, UInt8), t DateTime64(3, 'UTC'), n Tuple(`a b` UInt8, c Nullable(String)), j JSON, v Variant(UInt8, String), i Int256, u UUID"},
	{name: "constraints", only: "embedded", engine: "MergeTree ORDER BY id", more: ", CONSTRAINT `o``dd (,'` CHECK id != 5 AND s NOT IN (')', '\\'', ',', 'CHECK'), CONSTRAINT plain CHECK id < 10," +
		" CONSTRAINT asm ASSUME id > 0, CONSTRAINT `CHECK` CHECK (id > 20) OR (id = 0), CONSTRAINT `ASSUME` CHECK s != 'x'"},
	{name: "constraint, view attached", only: "embedded", engine: "MergeTree ORDER BY id", more: ", CONSTRAINT c CHECK id < 1000", insert: true,
		after: "CREATE MATERIALIZED VIEW view ENGINE = MergeTree ORDER BY id AS SELECT id FROM T"},
	{name: "coalescing", only: "embedded", engine: "CoalescingMergeTree ORDER BY id", vague: true},
}

// on tells whether an engine has such tables. On the server of today are some of each way of publishing.
func (k kind) on(e *engine) bool {
	if e.name == "wire" {
		return k.only != "server" && (k.insert || k.vague || k.days == 90 || k.name == "new types")
	}
	return k.only == "" || k.only == e.name
}

func (e *engine) createKind(k kind) {
	e.t.Helper()
	table := quoted(e.table(k.name))
	e.exec("CREATE TABLE " + table + " (" + baseColumns + k.more + ") ENGINE = " + k.engine)
	if k.after != "" {
		e.exec(strings.NewReplacer("VIEW view", "VIEW "+quoted(e.table("view")), "FROM T", "FROM "+table).Replace(k.after))
	}
	if strings.HasSuffix(strings.Fields(k.engine)[0], "MergeTree") {
		e.exec("SYSTEM STOP MERGES " + table)
	}
}

// TestDescribe writes down what is seen of each kind.
func TestDescribe(t *testing.T) {
	bothEngines(t, func(t *testing.T, e *engine) {
		var b strings.Builder
		for _, k := range kinds {
			if !k.on(e) {
				continue
			}
			e.createKind(k)
			target := e.describe(k.name)
			printTarget(&b, k.name, target)
			fmt.Fprintf(&b, "%s; %s\n\n", target.Method(e.can()), target.Promise(e.Server()))
			e.exec("DROP TABLE IF EXISTS " + quoted(e.table("view")))
		}
		golden(t, "describe-"+e.name+".golden", b.String())
	})
}

func printTarget(b *strings.Builder, name string, t *Target) {
	fmt.Fprintf(b, "== %s\n%s %s %s\n", name, t.Engine, t.Keys, t.Settings)
	for _, c := range t.Columns[:len(t.Columns)-2] {
		fmt.Fprintf(b, "%s %s%s, ", c.Name, c.Type, map[bool]string{true: " DEFAULT"}[c.Default])
	}
	fmt.Fprintln(b, len(t.Columns), "columns")
	for _, c := range t.Constraints {
		fmt.Fprintf(b, "constraint %s: %s\n", c.Name, c.Expression)
	}
	if t.RowTTL || t.Projections || t.Synced || t.Views > 0 || len(t.TTLs) > 0 {
		fmt.Fprintf(b, "rows expire %t, values expire %s, projections %t, synced %t, views %d\n", t.RowTTL, t.TTLs, t.Projections, t.Synced, t.Views)
	}
}

// TestKinds publishes, takes out and publishes again in every kind of target.
func TestKinds(t *testing.T) {
	const rows = 1000
	allEngines(t, func(t *testing.T, e *engine) {
		for _, k := range kinds {
			if k.on(e) {
				outer := e.t
				t.Run(k.name, func(t *testing.T) {
					e.t = t
					defer func() { e.t = outer }()
					testKind(e, k, rows)
				})
			}
		}
	})
}

func testKind(e *engine, k kind, rows int) {
	e.createKind(k)
	target := e.describe(k.name)
	if got := target.Method(e.can()); (got == InsertSelect) != k.insert {
		e.t.Errorf("method %s", got)
	}
	if target.CountsRun() == k.vague {
		e.t.Errorf("CountsRun is %t", !k.vague)
	}
	stage := e.stage(target, "stage")
	e.fill(stage, 1, rows, max(k.days, 1))
	e.fill(stage, 2, rows/2, max(k.days/10, 1))
	e.exec("OPTIMIZE TABLE " + stage) // whatever it does: no row goes
	e.wantAll(stage, uint64(rows+rows/2))
	e.mustAttach(target, "stage", 1, 2)
	both, second := map[uint64]uint64{1: uint64(rows), 2: uint64(rows / 2)}, map[uint64]uint64{2: uint64(rows / 2)}
	if target.Engine != "Null" {
		e.wantCount(target, both)
	}
	if target.Views > 0 {
		e.want(fmt.Sprint(rows+rows/2), "SELECT count() FROM "+quoted(e.table("view")))
	}
	e.wantAll(stage, uint64(rows+rows/2))
	if target.MergeTree() {
		e.exec("SYSTEM START MERGES " + target.Table()) // a deletion is one
	}
	if target.CountsRun() && k.days < 400 { // a deletion rewrites every part: that many take minutes in the embedded engine
		if target.KeepsRows() && k.days == 0 {
			e.takeOut(target, 1)
			e.wantCount(target, second)
		}
		e.takeOut(target, 1, 2)
		e.wantCount(target, nil)
		e.mustAttach(target, "stage", 1, 2)
		e.wantWhole(target, both)
	}
	if target.Continues(e.can()) {
		e.mustAttach(target, "stage", 1, 2) // nothing is missing
		e.wantCount(target, both)
	}
	e.want("0", "SELECT count() FROM "+target.Table()+" WHERE d < toDate('2020-01-01') OR s != 'x' OR id > 50")
	e.run(Drop(stage), Drop(stage))
	e.exec("DROP TABLE IF EXISTS " + quoted(e.table("view")))
}

// wantWhole is wantCount for targets that may thin out.
func (e *engine) wantWhole(t *Target, want map[uint64]uint64) {
	e.t.Helper()
	if t.KeepsRows() {
		e.wantCount(t, want)
		return
	}
	got, err := Count(e.ctx, e, t.Table(), t.Lineage, "", []uint64{1, 2, 3})
	if err != nil {
		e.t.Error(err)
	}
	for run, n := range want {
		if !t.Whole(got[run], n, true) {
			e.t.Errorf("run %d has %d rows, want %d or less", run, got[run], n)
		}
	}
}
