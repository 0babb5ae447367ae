package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLoadJobWithOverrides(t *testing.T) {
	set := []string{
		"settle=5s", "label = true", "format.delimiter=|", "format.quote=", `format.null=["NULL", "-"]`, "target.table=`my db`.t", "errors.max_rejects=7",
		"errors.max_rejects=8", "column.order_id.type=Int64", `column."new one".constant="{day}"`, `column."new one".type=String`, "enabled=false", "retry.attempts=1_0",
		"batch.bytes=4MiB", "format.skip_top=0x2", "errors.max_reject_percent=50",
	}
	_, job, err := LoadJob("testdata/good/full/chute.toml", "acme-orders", set)
	if err != nil {
		t.Fatal(err)
	}
	last := job.Columns[len(job.Columns)-1]
	switch {
	case time.Duration(job.Settle) != 5*time.Second, job.Label != "true", job.Format.Delimiter != "|", job.Format.Quote != "",
		strings.Join(job.Format.Null, " ") != "NULL -", job.Target.Table != TableName{Database: "my db", Table: "t"},
		job.Errors.MaxRejects != Tolerance{N: 8}, job.Columns[0].Type != "Int64", job.Columns[0].Source != "Order No",
		last.Name != "new one", last.Type != "String", last.Constant.String() != "{day}", job.Enabled, job.Retry.Attempts != 10,
		job.Batch.Bytes != 4<<20, job.Format.SkipTop != 2, job.Errors.MaxRejectPercent != 50:
		t.Errorf("%+v", job)
	}
	if !strings.Contains(job.Effective, "label = \"true\"\n") {
		t.Errorf("the label isn't printed as a text:\n%s", job.Effective)
	}
	_, plain, err := LoadJob("testdata/good/full/chute.toml", "acme-orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	if plain.Hash == job.Hash || plain.Hash == "" {
		t.Error("overrides don't change the hash")
	}
}

func TestBadOverrides(t *testing.T) {
	for set, want := range map[string]string{
		"settel=5s":                "--set: settel: no such key; did you mean settle?",
		"settle=5":                 "--set: settle: not a duration",
		"settle":                   "--set: \"settle\" isn't KEY=VALUE",
		"=5":                       "--set: \"=5\" isn't KEY=VALUE",
		"a b=5":                    "--set: a b: isn't a key",
		"[format]=5":               "--set: [format]: isn't a key",
		"extends=x":                "--set: extends: can't be set",
		"format=csv":               "--set: format: must be a table",
		"column=1":                 "--set: column: must be written as [[column]] tables",
		"column.order_id=1":        "--set: column: must be written as [[column]] tables",
		"column.x.typo=1":          "--set: column[5].typo: no such key; did you mean type?",
		"store=nosuch":             "--set: store: there is no store \"nosuch\"",
		"inbox=done/2026":          "--set: inbox: \"done/2026\" may be the same as",
		"format.header=yes":        "--set: format.header: must be true or false, not a text",
		"label=\"a\"\nstore=\"b\"": "isn't KEY=VALUE",
	} {
		_, job, err := LoadJob("testdata/good/full/chute.toml", "acme-orders", []string{set})
		if err == nil || job != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
}

func TestLoadJobWithoutJob(t *testing.T) {
	_, _, err := LoadJob("testdata/good/full/chute.toml", "acme-order", nil)
	if err == nil || !strings.Contains(err.Error(), `there is no job "acme-order"`) || !strings.Contains(err.Error(), `did you mean "acme-orders"?`) {
		t.Error(err)
	}
	if _, _, err = LoadJob("testdata/nosuch.toml", "a", nil); err == nil || err.Error() != "testdata/nosuch.toml: can't be read: no such file or directory" {
		t.Error(err)
	}
}

// TestOtherJobsMistakes: an occasional run isn't kept from running by a job that has nothing to do with it.
func TestOtherJobsMistakes(t *testing.T) {
	file := configuration(t, map[string]string{
		"chute.toml":         "[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n",
		"jobs.d/broken.toml": "kind = ",
		"jobs.d/fine.toml":   "extends = \"text-import\"\nstore = \"acme\"\ninbox = \"in\"\nmatch = \"*\"\ntarget.table = \"t\"\n",
	})
	if _, job, err := LoadJob(file, "fine", nil); err != nil || job.Name != "fine" {
		t.Error(err)
	}
	if _, _, err := Load(file); err == nil {
		t.Error("Load accepts a broken job")
	}
}

// What is asked of the state doesn't depend on jobs that are right.
func TestLoadChute(t *testing.T) {
	good := "[state]\ndir = \"/somewhere\"\n[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n"
	for _, files := range []map[string]string{{"chute.toml": good}, {"chute.toml": good, "jobs.d/broken.toml": "kind = "}} {
		if chute, err := LoadChute(configuration(t, files)); err != nil || chute.State.Dir != "/somewhere" || chute.Store("acme").Path != "/srv/acme" {
			t.Errorf("%q: %+v, %v", files, chute, err)
		}
	}
	bad := configuration(t, map[string]string{"chute.toml": "[state]\ndir = \"somewhere\"\n"})
	if _, err := LoadChute(bad); err == nil || !strings.Contains(err.Error(), "state.dir: must be an absolute path") {
		t.Errorf("of a wrong one: %v", err)
	}
}

// TestJobKeys: each key can be set, and to each of the values that are said to be allowed.
func TestJobKeys(t *testing.T) {
	keys := map[string][]string{}
	for _, key := range JobKeys() {
		keys[key.Name] = key.Allowed
		for _, value := range key.Allowed {
			set := []string{key.Name + "=" + value}
			if key.Name == "when_done" {
				set = append(set, "claim=remember")
			}
			if value == "sequence" {
				set = append(set, `match_regexp=^(?P<day>\d{8})_(?P<sequence>\d+)`)
			}
			_, _, err := LoadJob("testdata/good/full/chute.toml", "acme-orders", set)
			if err != nil && strings.Contains(err.Error(), "--set") {
				t.Errorf("%s=%s: %v", key.Name, value, err)
			}
		}
	}
	if !slices.Equal(keys["redelivery.same"], []string{"skip", "load"}) || !slices.Equal(keys["target.create"], []string{"true", "false"}) {
		t.Errorf("values: %q", keys)
	}
	if _, ok := keys["format.strict_header.missing"]; !ok || len(keys) < 50 {
		t.Errorf("keys: %q", keys)
	}
	for _, name := range []string{"extends", "column", "", "-"} {
		if _, ok := keys[name]; ok {
			t.Errorf("%q is among the keys", name)
		}
	}
}

// TestAskedOtherwise: --set of what a job asks, and of where it delivers, is told where it has a watermark.
func TestAskedOtherwise(t *testing.T) {
	file := configuration(t, map[string]string{
		"chute.toml": "[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n",
		"jobs.d/new.toml": "kind = \"export\"\nstore = \"acme\"\noutbox = \"out\"\nfile = \"{to}.csv\"\ntable = \"t\"\ncolumns = [\"a\"]\nfilter = \"b = {b:String}\"\nparameters = { b = \"x\", to = \"y\" }\n" +
			"watermark = { from = \"c\" }\n",
		"jobs.d/all.toml": "kind = \"export\"\nstore = \"acme\"\noutbox = \"out\"\nfile = \"f\"\ntable = \"t\"\n",
	})
	for _, c := range []struct {
		job, set, want string
	}{
		{"new", "filter=a = {b:Int8}", "filter"}, {"new", "table=u", "table"}, {"new", "columns=[\"b\"]", "columns"}, {"new", "distinct=true", "distinct"}, {"new", "timezone=Europe/Paris", "timezone"},
		{"new", "query=SELECT {b:Int8} WHERE {since:Date} < {until:Date}", "query"}, {"new", "parameters.b=z", "parameters.b"}, {"new", "parameters={ b = \"z\" }", "parameters.b"},
		{"new", "parameters.to=z", ""}, {"new", "column.a.expression=b + 1", "column.a.expression"}, {"new", "column.a.decimals=2", ""}, {"new", "watermark.lag=1s", "watermark"},
		{"new", "outbox=elsewhere", "outbox"}, {"new", "store=acme", "store"}, {"all", "outbox=elsewhere", ""}, {"new", "format.delimiter=;", ""}, {"new", "min_rows=2", ""}, {"new", "max_rows=2", ""},
		{"all", "filter=a = 1", ""}, {"all", "watermark.from=a", "watermark"},
	} {
		_, job, err := LoadExport(file, c.job, []string{c.set})
		if err != nil || strings.Join(job.Asked, " ") != c.want {
			t.Errorf("%s: asks %+v otherwise (%v), want %q", c.set, job, err, c.want)
		}
	}
}

// TestParametersSetToNothing: a name is no place for a value that isn't there; a file of one's own may say so.
func TestParametersSetToNothing(t *testing.T) {
	file := configuration(t, map[string]string{
		"chute.toml":    "[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n",
		"jobs.d/x.toml": "kind = \"export\"\nstore = \"acme\"\noutbox = \"out\"\nfile = \"f{p}{q}\"\nquery = \"SELECT {r:String}\"\nparameters = { p = \"1\", q = \"\", r = \"x\" }\n",
	})
	for set, want := range map[string]string{"parameters.p=": "--set: parameters.p: is empty, and stands in a name", "parameters.p=2": "", "parameters.r=": ""} {
		_, _, err := LoadExport(file, "x", []string{set})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
}

// TestParametersHavePlaces: one that stands nowhere was meant to be another.
func TestParametersHavePlaces(t *testing.T) {
	for job, want := range map[string]string{
		"query = \"SELECT {p:Int8}\"\n": "", "query = \"SELECT { p : Int8 } -- x\"\n": "", "query = \"SELECT '{p:Int8}', {pp:Int8}\"\n": "did you mean pp?", "query = \"SELECT 'it''s {p:String}'\"\n": "{p:TYPE}",
		"query = \"SELECT 1 -- {p:Int8}\"\n": "{p:TYPE}", "query = \"SELECT 1 /* {p:Int8} */ -- {p}\"\n": "{p:TYPE}", "query = 'SELECT \"{p}\", `{p}`'\n": "{p:TYPE}", "query = 'SELECT \"a\\\"\", {p:Int8}'\n": "",
		"table = \"t\"\nfilter = \"a = {p:Int8}\"\n": "", "table = \"t\"\ncolumns = [\"a\"]\ncolumn = [{ name = \"a\", expression = \"{p:Int8}\" }]\n": "", "table = \"t\"\nfile = \"{p}\"\n": "",
		"table = \"t\"\nformat.top = [\"{p}\"]\n": "", "table = \"t\"\nformat.bottom = [\"{p:3}\"]\n": "", "table = \"t\"\nfile = \"{part}\"\nsplit = { rows = 1, name = \"{p}\" }\n": "", "table = \"t\"\n": "{p:TYPE}",
	} {
		if !strings.Contains(job, "file = ") {
			job = "file = \"f\"\n" + job
		}
		file := configuration(t, map[string]string{
			"chute.toml":    "[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n",
			"jobs.d/x.toml": "kind = \"export\"\nstore = \"acme\"\noutbox = \"out\"\nparameters = { p = \"1\" }\n" + job,
		})
		_, _, err := LoadExport(file, "x", nil)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), "parameters.p: has no place: ") || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", job, err, want)
		}
	}
}
