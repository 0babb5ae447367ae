package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
)

// modern and ancient are servers as far as statements depend on them.
var (
	known = []string{"async_insert", "max_insert_threads", "deduplicate_insert", "set_overflow_mode", "allow_suspicious_codecs", "allow_experimental_json_type",
		"allow_experimental_analyzer", "non_replicated_deduplication_window", "parts_to_delay_insert", "max_bytes_to_merge_at_max_space_in_pool",
		"fsync_after_insert", "fsync_part_directory"}
	modern = connectors.Server{Abilities: connectors.Abilities{
		AttachAll: true, LightweightDelete: true, FsyncSettings: true, SkipIndexes: true, MutationsSync: true,
		Settings: words(strings.Join(known, " ")), MergeTreeSettings: words(strings.Join(known, " ")),
	}}
	ancient = connectors.Server{Abilities: connectors.Abilities{Settings: words("set_overflow_mode"), MergeTreeSettings: words("parts_to_delay_insert")}}
)

// answering is a session that knows its server and the answer to every query; it remembers what it was asked.
type answering struct {
	connectors.Session
	server connectors.Server
	answer []string
	asked  *strings.Builder
}

func (a answering) Server() connectors.Server { return a.server }

func (a answering) Query(_ context.Context, st connectors.Statement, each func(*native.Block) error) error {
	printStatement(a.asked, st)
	b := &native.Block{Columns: []native.Column{{Name: "x", Type: &native.Type{Kind: native.String}}}, Rows: len(a.answer), Data: [][]byte{nil}}
	for _, s := range a.answer {
		b.Data[0] = append(append(b.Data[0], byte(len(s))), s...)
	}
	return each(b)
}

func printStatement(b *strings.Builder, st connectors.Statement) {
	sql, err := native.Bind(st.SQL, st.Args...)
	if err != nil {
		sql = st.SQL + ": " + err.Error()
	}
	var settings []string
	for name, value := range st.Settings {
		settings = append(settings, name+"="+value)
	}
	slices.Sort(settings)
	fmt.Fprintf(b, "[%s] %s\n    %s\n", st.ID, sql, strings.Join(settings, " "))
}

// TestStatements writes down every statement, with names that try to break out.
func TestStatements(t *testing.T) {
	number, text := &native.Type{Kind: native.UInt64}, &native.Type{Kind: native.String}
	hostile := &Target{
		Database: "d`b.\\", Name: "t'\" ;--?é", Engine: "MergeTree", Keys: "PARTITION BY `p?` ORDER BY tuple(`a\\`b` DESC)",
		Settings: []string{"storage_policy = 'it\\'s ?'"}, TTLs: []string{"`v\\`?`"},
		Columns:     []Column{{Name: "a`b", Type: number}, {Name: "c, d) --", Type: text, Default: true}, {Name: "(run`", Type: number}, {Name: "rec\\", Type: number}},
		Constraints: []Constraint{{Name: "`x\\`y?`", Expression: "`c, d) --` != '?'"}, {Name: "`CHECK`", Expression: "(a) OR (b)"}},
		Lineage:     Lineage{Run: "(run`", Record: "rec\\"},
	}
	stage := config.TableName{Database: "s.t", Table: "chute_stage_`1"}
	var b strings.Builder
	for _, server := range []connectors.Server{modern, ancient} {
		for _, change := range []func(*Target){
			func(*Target) {},
			func(t *Target) { t.Engine = "ReplacingMergeTree" },
			func(t *Target) { t.Views, t.Projections = 1, true },
			func(t *Target) { t.Lineage, t.Engine, t.Keys = Lineage{}, "Null", "" },
		} {
			target := *hostile
			change(&target)
			s := answering{server: server, answer: []string{"all'", "20200101"}, asked: &b}
			can := server.Abilities
			fmt.Fprintf(&b, "== %s, lineage %t, views %d, %s\n", target.Engine, target.Lineage.Known(), target.Views, target.Method(can))
			for _, st := range CreateStage(quoted(stage), &target, can) {
				printStatement(&b, st)
			}
			statements, err := Attach(t.Context(), s, &target, stage, []uint64{7, 8}, "chute/x/7/publish")
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range statements {
				printStatement(&b, st)
			}
			if target.Lineage.Known() {
				st, asynchronous := Delete(&target, can, []uint64{7}, "chute/x/7/delete")
				printStatement(&b, st)
				fmt.Fprintln(&b, "    asynchronous:", asynchronous)
			}
			s.answer = nil
			if _, err := Violations(t.Context(), s, quoted(stage), &target, "judge"); err != nil {
				t.Fatal(err)
			}
			if _, err := Count(t.Context(), s, target.Table(), hostile.Lineage, "count", []uint64{7, 8}); err != nil {
				t.Fatal(err)
			}
		}
		itself := server.Abilities // the embedded engine
		itself.SyncsAll = true
		for _, st := range CreateStage(quoted(stage), hostile, itself)[:1] {
			printStatement(&b, st)
		}
		printStatement(&b, Drop(quoted(stage)))
		printStatement(&b, CreateDatabase("d`?"))
		job := &config.Job{Columns: []config.Column{{Name: "a`?"}}}
		job.Target = config.Target{Table: config.TableName{Database: "d`", Table: "t?"}, PartitionBy: "toYYYYMM(`a?`)", OrderBy: []string{"a`?", "b"},
			Lineage: true, RunColumn: "run`", RecordColumn: "record"}
		printStatement(&b, CreateTarget(job, []*native.Type{number}, server.Abilities))
	}
	golden(t, "statements.golden", b.String())
}

// TestPromise writes down what chute promises: README repeats it.
func TestPromise(t *testing.T) {
	keys := "ORDER BY id"
	embedded := modern
	embedded.Embedded = true
	var b strings.Builder
	for _, on := range []struct {
		name   string
		server connectors.Server
	}{{"embedded", embedded}, {"server of today", modern}, {"server of 2018", ancient}} {
		fmt.Fprintf(&b, "== %s\n", on.name)
		for _, k := range []struct {
			name string
			Target
		}{
			{"MergeTree", Target{Engine: "MergeTree", Keys: keys, Lineage: lineage}},
			{"MergeTree made by chute", Target{Engine: "MergeTree", Keys: keys, Lineage: lineage, Synced: true}},
			{"MergeTree without lineage", Target{Engine: "MergeTree", Keys: keys}},
			{"MergeTree with TTL", Target{Engine: "MergeTree", Keys: keys, Lineage: lineage, RowTTL: true}},
			{"MergeTree with a view", Target{Engine: "MergeTree", Keys: keys, Lineage: lineage, Views: 1}},
			{"Replacing", Target{Engine: "ReplacingMergeTree", Keys: keys, Lineage: lineage}},
			{"Summing", Target{Engine: "SummingMergeTree", Keys: keys, Lineage: lineage}},
			{"Collapsing", Target{Engine: "CollapsingMergeTree", Keys: keys, Lineage: lineage}},
			{"Distributed over MergeTree", Target{Engine: "Distributed", Lineage: lineage, Shards: []string{"MergeTree ORDER BY id"}}},
			{"Distributed over MergeTree with TTL", Target{Engine: "Distributed", Lineage: lineage, Shards: []string{"MergeTree ORDER BY id TTL d + 1"}}},
			{"Distributed over Replacing", Target{Engine: "Distributed", Lineage: lineage, Shards: []string{"MergeTree ORDER BY id", "ReplacingMergeTree ORDER BY id"}}},
			{"Distributed over nothing known", Target{Engine: "Distributed", Lineage: lineage}},
			{"Null with a view", Target{Engine: "Null", Lineage: lineage, Views: 1}},
			{"Log", Target{Engine: "Log", Lineage: lineage}},
			{"Replicated", Target{Engine: "ReplicatedMergeTree", Keys: keys, Lineage: lineage}},
			{"View", Target{Engine: "MaterializedView", Lineage: lineage}},
			{"Dictionary", Target{Engine: "Dictionary"}},
		} {
			k.Database, k.Name = "d", "t"
			fmt.Fprintf(&b, "%s: %s\n", k.name, k.Promise(on.server))
		}
	}
	golden(t, "promise.golden", b.String())
}
