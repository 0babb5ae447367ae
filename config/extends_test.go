package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const oneStore = "[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n"

// TestExtendsChain: a job extends a job that extends a job that extends a template. Each key holds from the nearest that has it, columns are merged
// by their names, and the hash is of the result, however it came about.
func TestExtendsChain(t *testing.T) {
	files := map[string]string{
		"chute.toml": oneStore,
		"jobs.d/base.toml": `
extends = "text-import"
store = "acme"
inbox = "base/in"
match = "*.csv"
enabled = false
[format]
delimiter = ";"
null = ["NULL", "-"]
[target]
table = "base"
[[column]]
source = "Id"
name = "id"
type = "UInt32"
required = true
[[column]]
source = "Amount"
name = "amount"
type = "Decimal(9, 2)"
decimal = ","
map = { a = "1", b = "2" }
`,
		"jobs.d/middle.toml": `
extends = "base"
inbox = "middle/in"
match_regexp = '^m(?P<day>\d+)'
[format]
null = []
[target]
table = "middle"
[[column]]
name = "amount"
type = "Decimal(18, 2)"
map = { b = "3" }
[[column]]
constant = "{day}"
name = "day"
type = "Date"
`,
		"jobs.d/top.toml": `
extends = "middle"
enabled = true
settle = "5s"
[format]
delimiters = [";", "|"]
[[column]]
name = "id"
default = "0"
[errors]
stop_if_first = 0
`,
	}
	_, jobs, err := Load(configuration(t, files))
	if err != nil {
		t.Fatal(err)
	}
	top := jobs[2]
	golden(t, "testdata/chain.golden", top.Effective)
	if !top.SettleGiven || !top.Enabled {
		t.Errorf("%+v", top)
	}
	files["jobs.d/top.toml"] = top.Effective
	delete(files, "jobs.d/base.toml")
	delete(files, "jobs.d/middle.toml")
	_, flat, err := Load(configuration(t, files))
	if err != nil || flat[0].Hash != top.Hash || !reflect.DeepEqual(withoutPlaces(flat[0]), withoutPlaces(top)) {
		t.Errorf("written out it is another job: %v\n%s", err, flat[0].Effective)
	}
}

// withoutPlaces is a job without what tells where it was written, and without what has a memory of its own.
func withoutPlaces(j *Job) Job {
	k := *j
	k.Pos, k.MatchRegexp, k.Extends = Position{}, Regexp{}, ""
	k.Columns = slices.Clone(j.Columns)
	for i := range k.Columns {
		k.Columns[i].Pos = Position{}
	}
	return k
}

// overridden has for each key of a job two values, and what else the job needs for them: "[target]" or "[[column]]" lines, or keys of the job.
var overridden = map[string]struct{ one, two, with string }{
	"kind":     {`"import"`, `"import"`, ""},
	"label":    {`"One"`, `"Two"`, ""},
	"store":    {`"acme"`, `"other"`, ""},
	"inbox":    {`"one/in"`, `"two/in"`, ""},
	"done":     {`"d/%Y"`, `"e/%m"`, ""},
	"rejected": {`"r/%Y"`, `"s/{stem}"`, ""},
	"match":    {`"*.csv"`, `"*.txt"`, ""}, "match_regexp": {`"^a"`, `"^b"`, ""},
	"ignore": {`["a*"]`, `["b*"]`, ""},
	"settle": {`"1s"`, `"2s"`, ""}, "empty": {`"accept"`, `"ignore"`, ""}, "order": {`"mtime"`, `"seen"`, ""},
	"unmatched_after": {`"24h"`, `"48h"`, ""},
	"poll":            {`"1m"`, `"2m"`, ""}, "claim": {`"remember"`, `"rename"`, ""}, "when_done": {`"delete"`, `"move"`, ""},
	"strict": {`true`, `false`, ""}, "hold_after": {`2`, `0`, ""}, "hold_header": {`true`, `false`, ""}, "stuck_after": {`"2h"`, `"0s"`, ""}, "trace": {`true`, `false`, ""},
	"after": {`["z-first"]`, `["z-second"]`, ""}, "priority": {`1`, `2`, ""}, "enabled": {`true`, `false`, ""}, "timezone": {`"Europe/Paris"`, `"UTC"`, ""},
	"retry.attempts": {`2`, `3`, ""}, "retry.first": {`"2s"`, `"3s"`, ""}, "retry.longest": {`"2m"`, `"3m"`, ""},
	"redelivery.same": {`"load"`, `"skip"`, ""}, "redelivery.changed": {`"skip"`, `"load"`, ""}, "redelivery.renamed": {`"load"`, `"skip"`, ""},
	"batch.files": {`2`, `3`, ""}, "batch.bytes": {`"1MiB"`, `"2MiB"`, ""},
	"format.type": {`"tsv"`, `"csv"`, ""}, "format.compression": {`"gzip"`, `"none"`, ""}, "format.encoding": {`"utf-8"`, `"windows-1252"`, ""},
	"format.delimiter": {`";"`, `"|"`, ""}, "format.delimiters": {`[";"]`, `["|"]`, ""}, "format.repeat_delimiter": {`true`, `false`, ""},
	"format.quote": {`"'"`, `""`, ""}, "format.escape": {`"\\"`, `"double"`, ""}, "format.comment": {`"#"`, `"%"`, ""},
	"format.header": {`true`, `false`, "[[column]]\nname = \"a\"\nposition = 1\n"}, "format.header_lines": {`2`, `3`, ""},
	"format.skip_top": {`2`, `3`, ""}, "format.skip_bottom": {`2`, `3`, ""}, "format.line_end": {`"lf"`, `"crlf"`, ""},
	"format.ragged": {`"pad"`, `"cut"`, ""}, "format.empty_lines": {`"record"`, `"skip"`, ""}, "format.null": {`["a"]`, `[]`, ""},
	"format.last_line": {`"any"`, `"required"`, ""}, "format.max_record_bytes": {`"1MiB"`, `"2MiB"`, ""}, "format.max_bytes": {`"1GiB"`, `"2GiB"`, ""},
	"format.strict_header.missing": {`"warn"`, `"accept"`, ""}, "format.strict_header.extra": {`"reject"`, `"accept"`, ""},
	"format.strict_header.reordered": {`"warn"`, `"reject"`, ""},
	"target.table":                   {`"one"`, `"two"`, ""}, "target.operation": {`"insert"`, `"insert"`, ""},
	"target.create":       {`true`, `false`, "[[column]]\nname = \"a\"\ntype = \"String\"\n"},
	"target.order_by":     {`["a"]`, `["b"]`, "[target]\ncreate = true\n[[column]]\nname = \"a\"\ntype = \"String\"\n[[column]]\nname = \"b\"\ntype = \"String\"\n"},
	"target.partition_by": {`"a"`, `"b"`, "[target]\ncreate = true\n[[column]]\nname = \"a\"\ntype = \"String\"\n"},
	"target.lineage":      {`true`, `false`, ""}, "target.run_column": {`"r1"`, `"r2"`, ""}, "target.record_column": {`"r1"`, `"r2"`, ""},
	"target.file_column": {`"f1"`, `"f2"`, ""}, "target.time_column": {`"t1"`, `"t2"`, ""},
	"column.source": {`"A"`, `"B"`, ""}, "column.position": {`1`, `2`, ""}, "column.constant": {`"x"`, `"y{stem}"`, ""},
	"column.type": {`"String"`, `"FixedString(3)"`, ""}, "column.format": {`"%d.%m.%Y"`, `"%Y%m%d"`, "type = \"Date\"\n"},
	"column.timezone": {`"Europe/Paris"`, `"UTC"`, ""}, "column.decimal": {`","`, `"."`, ""}, "column.thousands": {`"'"`, `","`, ""},
	"column.true": {`["y"]`, `["j"]`, "false = [\"n\"]\n"}, "column.false": {`["n"]`, `["f"]`, "true = [\"y\"]\n"},
	"column.null": {`["a"]`, `["b"]`, ""}, "column.trim": {`"both"`, `"left"`, ""}, "column.case": {`"upper"`, `"lower"`, ""},
	"column.map": {`{ a = "b" }`, `{ a = "c" }`, ""}, "column.map_missing": {`"warn"`, `"reject"`, "map = { a = \"b\" }\n"},
	"column.max_length": {`1`, `2`, ""}, "column.regexp": {`"a"`, `"b"`, ""}, "column.min": {`1`, `"2"`, ""}, "column.max": {`3`, `4.5`, ""},
	"column.default": {`"a"`, `""`, ""}, "column.required": {`true`, `false`, ""}, "column.on_error": {`"warn"`, `"reject-file"`, ""},
	"column.secret": {`true`, `false`, ""}, "column.ignore": {`true`, `false`, "source = \"A\"\n"},
	"errors.max_rejects": {`1`, `"any"`, ""}, "errors.max_reject_percent": {`1`, `2.5`, ""}, "errors.stop_if_first": {`1`, `2`, ""},
	"errors.max_reject_bytes": {`"1MiB"`, `"2MiB"`, ""}, "errors.max_reject_details": {`1`, `2`, ""},
}

// TestEverySettingCanBeOverridden: each key that a job may have comes from what it extends, from itself where it has it too, and from --set above both.
func TestEverySettingCanBeOverridden(t *testing.T) {
	keys := keysOf(reflect.TypeFor[Job](), "")
	for _, key := range keys {
		values, ok := overridden[key]
		if !ok {
			t.Errorf("no values for %s", key)
			continue
		}
		files := map[string]string{
			"chute.toml":        oneStore + "[[store]]\nname = \"other\"\npath = \"/srv/other\"\n",
			"jobs.d/base.toml":  jobWith(key, values.one, values.with),
			"jobs.d/same.toml":  "extends = \"base\"\n",
			"jobs.d/child.toml": "extends = \"base\"\n" + assignment(key, values.two),

			"jobs.d/z-first.toml":  jobWith("priority", "1", ""),
			"jobs.d/z-second.toml": jobWith("priority", "1", ""),
		}
		file := configuration(t, files)
		_, jobs, err := Load(file)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		base, child, same := jobs[0], jobs[1], jobs[2]
		if same.Hash != base.Hash {
			t.Errorf("%s isn't taken over:\n%s", key, same.Effective)
		}
		wantValue(t, key, values.one, same)
		wantValue(t, key, values.two, child)
		set := key + "=" + values.one
		if column, ok := strings.CutPrefix(key, "column."); ok {
			set = "column.x." + column + "=" + values.one
		}
		_, above, err := LoadJob(file, "child", []string{set})
		if err != nil {
			t.Errorf("%s: %v", set, err)
			continue
		}
		wantValue(t, key, values.one, above)
		if above.Hash == child.Hash && values.one != values.two {
			t.Errorf("%s doesn't change the hash", set)
		}
	}
	if len(keys) != len(overridden) {
		t.Errorf("%d keys, and values for %d", len(keys), len(overridden))
	}
}

// keysOf are the keys of a job, but for what it extends and the name by which columns are told apart.
func keysOf(t reflect.Type, prefix string) (keys []string) {
	for field := range t.Fields() {
		key := prefix + field.Tag.Get("toml")
		switch {
		case field.Tag.Get("toml") == "-" || key == "extends" || key == "column.name":
		case plainStruct(elem(field.Type)):
			keys = append(keys, keysOf(elem(field.Type), key+".")...)
		default:
			keys = append(keys, key)
		}
	}
	return keys
}

// jobWith is a job that has the key and what else it needs.
func jobWith(key, value, with string) string {
	minimal := map[string]string{"kind": `"import"`, "store": `"acme"`, "inbox": `"in"`, "match": `"*"`, "target.table": `"t"`}
	if key == "match_regexp" {
		delete(minimal, "match")
	}
	if key == "when_done" {
		minimal["claim"] = `"remember"`
	}
	minimal[key] = value
	tables := map[string]string{}
	for key, value := range minimal {
		table, name := "", key
		if dot := strings.LastIndex(key, "."); dot >= 0 {
			table, name = key[:dot], key[dot+1:]
		}
		tables[table] += name + " = " + value + "\n"
	}
	target, columns, inTarget := strings.Cut(with, "[[column]]")
	if inTarget {
		columns = "[[column]]" + columns
		tables["target"] += strings.TrimPrefix(target, "[target]\n")
	}
	text := tables[""]
	for table, lines := range tables {
		if table != "" && table != "column" {
			text += "[" + table + "]\n" + lines
		}
	}
	if lines, ok := tables["column"]; ok {
		text += "[[column]]\nname = \"x\"\n" + lines + with
	}
	return text + columns
}

// assignment is a key, of the column x if it is one of a column.
func assignment(key, value string) string {
	if name, ok := strings.CutPrefix(key, "column."); ok {
		return fmt.Sprintf("[[column]]\nname = \"x\"\n%s = %s\n", name, value)
	}
	return key + " = " + value + "\n"
}

// wantValue looks for the key in the job as it is in effect.
func wantValue(t *testing.T, key, value string, j *Job) {
	t.Helper()
	table, name := "", key
	if dot := strings.LastIndex(key, "."); dot >= 0 {
		table, name = key[:dot], key[dot+1:]
	}
	at := ""
	for line := range strings.Lines(j.Effective) {
		if strings.HasPrefix(line, "[") {
			at = strings.Trim(line, "[]\n")
		}
		if at == table && line == name+" = "+value+"\n" {
			return
		}
	}
	t.Errorf("%s isn't %s in\n%s", key, value, j.Effective)
}

// TestOutdone: what a job says makes keys meaningless that it would get from what it extends.
func TestOutdone(t *testing.T) {
	for name, c := range map[string]struct{ base, top, gone string }{
		"match":        {"match = \"*\"\n", "match_regexp = \"a\"\n", "match ="},
		"match_regexp": {"match_regexp = \"a\"\n", "match = \"*\"\n", "match_regexp"},
		"delimiters":   {"match = \"*\"\n[format]\ndelimiters = [\";\"]\n", "[format]\ndelimiter = \";\"\n", "delimiters"},
		"header_lines": {"match = \"*\"\n[format]\nheader_lines = 2\nstrict_header = { extra = \"accept\" }\n[[column]]\nname = \"a\"\nposition = 1\n", "[format]\nheader = false\n", "header_"},
		"order_by":     {"match = \"*\"\n[target]\ncreate = true\norder_by = [\"a\"]\npartition_by = \"a\"\n[[column]]\nname = \"a\"\ntype = \"String\"\n", "[target]\ncreate = false\n", "_by"},
		"run_column":   {"match = \"*\"\n[target]\nrun_column = \"r\"\n", "[target]\nlineage = false\n", "run_column"},
		"default":      {"match = \"*\"\n[[column]]\nname = \"a\"\ndefault = \"x\"\n", "[[column]]\nname = \"a\"\nrequired = true\n", "default"},
		"required":     {"match = \"*\"\n[[column]]\nname = \"a\"\nrequired = true\n", "[[column]]\nname = \"a\"\ndefault = \"x\"\n", "required"},
		"position":     {"match = \"*\"\n[[column]]\nname = \"a\"\nposition = 1\n", "[[column]]\nname = \"a\"\nsource = \"A\"\n", "position"},
	} {
		rest := "kind = \"import\"\nstore = \"acme\"\ninbox = \"in\"\ntarget.table = \"t\"\n"
		if strings.Contains(c.base, "[target]") {
			rest = "kind = \"import\"\nstore = \"acme\"\ninbox = \"in\"\n"
			c.base = strings.Replace(c.base, "[target]\n", "[target]\ntable = \"t\"\n", 1)
		}
		_, jobs, err := Load(configuration(t, map[string]string{
			"chute.toml": oneStore, "jobs.d/a.toml": rest + c.base, "jobs.d/b.toml": "extends = \"a\"\n" + c.top,
		}))
		if err != nil || strings.Contains(jobs[1].Effective, c.gone) || !strings.Contains(jobs[0].Effective, c.gone) {
			t.Errorf("%s: %v\n%+v", name, err, jobs)
		}
	}
}
