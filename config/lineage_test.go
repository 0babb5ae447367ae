package config

import (
	"slices"
	"testing"
)

// TestLineageOfExports: what imports into an export's table keep for themselves is known however the export is read, also beside jobs with mistakes.
func TestLineageOfExports(t *testing.T) {
	imports := func(name, table, more string) string {
		return "kind = \"import\"\nstore = \"acme\"\ninbox = \"" + name + "\"\nmatch = \"*\"\n[target]\ntable = \"" + table + "\"\n" + more + "[[column]]\nname = \"a\"\ntype = \"String\"\n"
	}
	files := map[string]string{
		"chute.toml":       "[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n",
		"jobs.d/own.toml":  imports("own", "shop.t", "run_column = \"run\"\n"),
		"jobs.d/here.toml": imports("here", "t", "record_column = \"record\"\n"),
		"jobs.d/no.toml":   imports("no", "shop.t", "lineage = false\n"),
		"jobs.d/else.toml": imports("else", "shop.u", "run_column = \"other\"\n"),
		"jobs.d/out.toml":  "kind = \"export\"\nstore = \"acme\"\noutbox = \"out\"\nfile = \"f\"\ntable = \"shop.t\"\n",
	}
	want := []string{"_chute_record", "_chute_run", "record", "run"}
	whole := configuration(t, files)
	if chute, _, err := Load(whole); err != nil || !slices.Equal(chute.Exports[0].Lineage, want) {
		t.Errorf("Load: %v", err)
	}
	if _, job, err := LoadExport(whole, "out", nil); err != nil || !slices.Equal(job.Lineage, want) {
		t.Errorf("LoadExport: %+v, %v", job, err)
	}
	files["jobs.d/broken.toml"] = "kind ="
	if chute, _, err := LoadSome(configuration(t, files)); err == nil || chute == nil || !slices.Equal(chute.Exports[0].Lineage, want) {
		t.Errorf("LoadSome: %+v, %v", chute, err)
	}
}
