package config

import (
	"slices"
	"strings"
	"testing"
)

// partner has jobs for one store: its exports and imports by name, without what is the same of all.
func partner(t *testing.T, jobs map[string]string) ([]*Job, []*Export, error) {
	t.Helper()
	files := map[string]string{"chute.toml": "[[store]]\nname = \"acme\"\npath = \"/srv/acme\"\n"}
	for name, job := range jobs {
		files["jobs.d/"+name+".toml"] = "store = \"acme\"\n" + job
	}
	chute, imports, err := Load(configuration(t, files))
	if err != nil {
		return nil, nil, err
	}
	return imports, chute.Exports, nil
}

func delivering(outbox, file, question string) string {
	return "kind = \"export\"\noutbox = \"" + outbox + "\"\nfile = \"" + file + "\"\n" + question + "\n"
}

func taking(inbox, match, table string) string {
	return "kind = \"import\"\ninbox = \"" + inbox + "\"\nmatch = \"" + match + "\"\n[target]\ntable = \"" + table + "\"\n[[column]]\nname = \"a\"\n"
}

// TestArrivals: what an export delivers into an import's inbox, and whether it comes back to the export.
func TestArrivals(t *testing.T) {
	for name, c := range map[string]struct {
		jobs map[string]string
		want string // export, import, example, and the circle
	}{
		"apart":         {map[string]string{"e": delivering("out", "a_{seq}.csv", "table = \"t\""), "i": taking("in", "*", "t")}, ""},
		"other names":   {map[string]string{"e": delivering("in", "a_%Y%m%d.csv", "table = \"t\""), "i": taking("in", "b_*", "t")}, ""},
		"wrong digits":  {map[string]string{"e": delivering("in", "a_%Y%m%d.csv", "table = \"t\""), "i": taking("in", "a_????.csv", "t")}, ""},
		"handed on":     {map[string]string{"e": delivering("in", "a_%Y%m%d.csv", "table = \"t\""), "i": taking("in", "a_*", "u")}, "e i a_20000101.csv"},
		"back":          {map[string]string{"e": delivering("in", "a_{seq}.csv", "table = \"t\""), "i": taking("in", "*.csv", "t")}, "e i a_1.csv e i e"},
		"other schema":  {map[string]string{"e": delivering("in", "a_{seq}.csv", "table = \"x.t\""), "i": taking("in", "*.csv", "y.t")}, "e i a_1.csv"},
		"query":         {map[string]string{"e": delivering("in", "{job}", "query = \"SELECT * FROM x.t WHERE 1\""), "i": taking("in", "?", "x.t")}, "e i e e i e"},
		"other query":   {map[string]string{"e": delivering("in", "{job}", "query = \"SELECT tt FROM x.t_t\""), "i": taking("in", "?", "x.t")}, "e i e"},
		"a day's inbox": {map[string]string{"e": delivering("%Y", "{job}", "table = \"t\""), "i": taking("2026", "?", "u")}, "e i e"},
		"companions":    {map[string]string{"e": delivering("in", "a", "table = \"t\"\ndone_marker = true\nchecksum = \"sha256\""), "i": taking("in", "a?*", "u")}, "e i a.done"},
		"value":         {map[string]string{"e": delivering("in", "{p}_{value}", "table = \"t\"\nsplit.column = \"a\"\nempty_result = \"skip\"\nparameters = { p = \"b\" }"), "i": taking("in", "b_c*", "u")}, "e i b_c"},
		"temporary":     {map[string]string{"e": delivering("in", "a_{value}", "table = \"t\"\nsplit.column = \"a\"\nempty_result = \"skip\""), "i": taking("in", "*.part", "t")}, ""},
		"draft":         {map[string]string{"e": delivering("in", "a", "table = \"t\"\nenabled = false"), "i": taking("in", "*", "t")}, ""},
		"round about": {map[string]string{"e": delivering("in", "a", "table = \"t\""), "i": taking("in", "a", "u"), "f": delivering("in", "b", "query = \"SELECT * FROM u\""), "j": taking("in", "b", "t")},
			"e i a e i f j e; f j b f j e i f"},
		"a circle beside": {map[string]string{"e": delivering("in", "a", "table = \"t\""), "i": taking("in", "a", "u"), "f": delivering("in", "b", "table = \"u\""), "j": taking("in", "b", "u")}, "e i a; f j b f j f"},
	} {
		jobs, exports, err := partner(t, c.jobs)
		var got []string
		for _, a := range Arrivals(jobs, exports) {
			got = append(got, strings.Join(slices.Concat([]string{a.Export.Name, a.Import.Name, a.Example}, a.Circle), " "))
		}
		if all := strings.Join(got, "; "); err != nil || all != c.want {
			t.Errorf("%s: %q (%v), want %q", name, all, err, c.want)
		}
	}
}

// TestNamedLike: names that tell of another compression than files have.
func TestNamedLike(t *testing.T) {
	for name, c := range map[string]struct {
		file, format, like string
		other              bool
	}{
		"plain": {"a.csv", "", "none", false}, "gzip": {"a.csv.gz", "compression = \"gzip\"", "gzip", false}, "in capitals": {"a.CSV.ZST", "compression = \"zstd\"", "zstd", false},
		"forgotten": {"a.csv", "compression = \"gzip\"", "none", true}, "only named": {"a_%Y.csv.gz", "", "gzip", true}, "another": {"a.gz", "compression = \"zstd\"", "gzip", true},
		"inside": {"a.parquet", "type = \"parquet\"\ncompression = \"zstd\"", "none", false}, "a variable": {"a.{job}", "compression = \"gzip\"", "none", false}, "by the day": {"a.%Y", "compression = \"gzip\"", "none", true},
	} {
		_, exports, err := partner(t, map[string]string{"gz": delivering("out", c.file, "table = \"t\"\n[format]\n"+c.format)})
		if err != nil {
			t.Fatal(err)
		}
		if like, other := exports[0].NamedLike(); like != c.like || other != c.other {
			t.Errorf("%s: like %s, other %v", name, like, other)
		}
	}
}

// TestSucceeds: files that a job of another name has delivered, and that are like its own.
func TestSucceeds(t *testing.T) {
	for name, c := range map[string]struct {
		job, outbox, file string
		want              bool
	}{
		"same":          {delivering("out", "f_%Y%m%d_{seq}.csv", "table = \"t\""), "out", "f_20260131_17.csv", true},
		"other name":    {delivering("out", "f_%Y%m%d_{seq}.csv", "table = \"t\""), "out", "g_20260131_17.csv", false},
		"other outbox":  {delivering("out", "f_{seq}", "table = \"t\""), "out/x", "f_1", false},
		"a day's":       {delivering("%Y/%m", "f_{seq}", "table = \"t\""), "2026/01", "f_1", true},
		"the job's":     {delivering("out", "{job}_{seq}", "table = \"t\""), "out", "old_1", true},
		"another's":     {delivering("out", "{job}_{seq}", "table = \"t\""), "out", "older_1", false},
		"several files": {delivering("out", "{part}_{seq}", "table = \"t\"\nsplit = { rows = 1, name = \"all_{seq}\" }"), "out", "all_3", true},
	} {
		_, exports, err := partner(t, map[string]string{"new": c.job})
		if err != nil {
			t.Fatal(err)
		}
		if got := exports[0].Succeeds("old", c.outbox, c.file); got != c.want || !exports[0].Counts() {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestTwins: exports that can have one name are told; where they always have, they are refused.
func TestTwins(t *testing.T) {
	const table = "table = \"t\""
	for name, c := range map[string]struct{ a, b, want string }{
		"other folders":  {delivering("x", "f", table), delivering("y", "f", table), ""},
		"other names":    {delivering("x", "f_{seq}", table), delivering("x", "g_{seq}", table), ""},
		"job":            {delivering("x", "{job}_{seq}", table), delivering("x", "{job}_{seq}", table), ""},
		"parameters":     {delivering("x", "{p}_{seq}", table+"\nparameters = { p = \"eu\" }"), delivering("x", "{p}_{seq}", table+"\nparameters = { p = \"us\" }"), ""},
		"draft":          {delivering("x", "f", table), delivering("x", "f", table+"\nenabled = false"), ""},
		"by the day":     {delivering("x", "f_%Y.csv", table), delivering("x", "f_%Y.csv", table), "f_2000.csv"},
		"in other words": {delivering("x", "f_{seq}", table), delivering("x", "f_20%y", table), "f_2000"},
		"days' folders":  {delivering("x/%Y", "f", table), delivering("x/%Y", "f", table), "f"},
		"values":         {delivering("x", "{value}", table+"\nsplit.column = \"a\"\nempty_result = \"skip\""), delivering("x", "{value}", table+"\nsplit.column = \"a\"\nempty_result = \"skip\""), "a"},
		"companions":     {delivering("x", "f", table+"\nmanifest = true"), delivering("x", "f.manifest.json", table), "f.manifest.json"},
		"same":           {delivering("x", "f", table), delivering("x/", "f", table), "refused: file: jobs \"a\" and \"b\" have the same names in the same outbox, such as \"f\""},
		"same numbers":   {delivering("x", "f_{seq}", table), delivering("x", "f_{seq}", table+"\nchecksum = \"sha256\""), "refused: file: jobs \"a\" and \"b\" have the same names in the same outbox, such as \"f_1\""},
	} {
		_, exports, err := partner(t, map[string]string{"a": c.a, "b": c.b})
		got := ""
		if err != nil {
			_, said, _ := strings.Cut(err.Error(), "b.toml:4:8: ")
			got = "refused: " + said
		}
		for _, twins := range FindTwins(exports) {
			got += twins.Example
		}
		if got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
