package reconcile

import (
	"strings"
	"testing"
)

func TestParseStorage(t *testing.T) {
	for full, want := range map[string]storage{
		"MergeTree ORDER BY id":              {keys: "ORDER BY id"},
		"MergeTree(d, id, 8192)":             {},
		"MergeTree":                          {},
		"":                                   {},
		"Memory SETTINGS max_rows_to_keep=1": {},
		"SummingMergeTree((a, b)) PARTITION BY ORDER ORDER BY TTL TTL TTL + toIntervalDay(1) SETTINGS disk = disk(type = local, path = '/x/'), a = 1": {
			keys: "PARTITION BY ORDER ORDER BY TTL", settings: []string{"disk = disk(type = local, path = '/x/')"}, rowTTL: true},
		"MergeTree ORDER BY SETTINGS SETTINGS fsync_after_insert = true, fsync_part_directory = 1": {keys: "ORDER BY SETTINGS", synced: true},
		"MergeTree ORDER BY a SETTINGS fsync_after_insert = 1":                                     {keys: "ORDER BY a"},
		"MergeTree ORDER BY (` TTL x`, ' SETTINGS (') SAMPLE BY id":                                {keys: "ORDER BY (` TTL x`, ' SETTINGS (') SAMPLE BY id"},
	} {
		got := parseStorage(full)
		if got.keys != want.keys || strings.Join(got.settings, "|") != strings.Join(want.settings, "|") || got.rowTTL != want.rowTTL || got.synced != want.synced {
			t.Errorf("%s:\n%+v, want\n%+v", full, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("CREATE TABLE d.t (`id` UInt64, CONSTRAINT `o\\`dd (,'` CHECK (id != 5) AND (s NOT IN (')', '\\'', ',')), CONSTRAINT CHECK CHECK x) ENGINE = MergeTree ORDER BY id")
	f.Add("CREATE TABLE d.t ( id UInt64,  CONSTRAINT UInt8 DEFAULT 7) ENGINE = MergeTree(d, id, 8192)")
	f.Add("CREATE TABLE `(` (`a` String TTL d + 1, PROJECTION p (SELECT 1), CONSTRAINT c CHECK a")
	f.Add("x SETTINGS a = ')', SETTINGS")
	f.Fuzz(func(t *testing.T, sql string) {
		end := 0
		for _, token := range tokens(sql) {
			if token.start < end || token.end <= token.start || token.depth < 0 || sql[token.start:token.end] != token.text {
				t.Fatalf("token %+v after %d", token, end)
			}
			if strings.TrimSpace(sql[end:token.start]) != "" {
				t.Fatalf("%q is in no token", sql[end:token.start])
			}
			end = token.end
		}
		for _, c := range parseElements(sql).constraints {
			if c.Name == "" || c.Expression == "" || !strings.Contains(sql, c.Expression) {
				t.Fatalf("constraint %+v", c)
			}
		}
		if keys := parseStorage(sql).keys; !strings.Contains(sql, keys) {
			t.Fatalf("keys %q", keys)
		}
		// A constraint comes back from wherever it is put, whatever its name.
		name := "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(sql) + "`"
		got := parseElements("CREATE TABLE t (`a` UInt8, CONSTRAINT " + name + " CHECK (" + name + " = ')'), INDEX i a TYPE minmax) ENGINE = Null").constraints
		if len(got) != 1 || got[0].Name != name || got[0].Expression != "("+name+" = ')')" {
			t.Fatalf("%q, want the name %q", got, name)
		}
	})
}
