package reject

import (
	"strings"
	"testing"

	"chute/config"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ name, records, reasons, match string }{
		{"orders.csv", "orders.rejects.csv", "orders.rejects.jsonl", "orders*.csv"},
		{"orders.csv.gz", "orders.rejects.csv", "orders.rejects.jsonl", "orders.csv.gz"},
		{"orders.csv.zst", "orders.rejects.csv", "orders.rejects.jsonl", "orders.csv.zst"},
		{"orders.rejects.csv", "orders.rejects.csv", "orders.rejects.jsonl", "orders.csv"},
		{"orders.rejects.rejects.csv", "orders.rejects.csv", "orders.rejects.jsonl", "orders.csv"},
		{"orders", "orders.rejects", "orders.rejects.jsonl", "orders"},
		{"orders.gz", "orders.rejects", "orders.rejects.jsonl", "orders.gz"},
		{"orders.rejects", "orders.rejects", "orders.rejects.jsonl", "orders"},
		{"a.b.c.txt", "a.b.c.rejects.txt", "a.b.c.rejects.jsonl", "a.b.c.txt"},
		{".orders", ".orders.rejects", ".orders.rejects.jsonl", ""},
		{".orders.csv", ".orders.rejects.csv", ".orders.rejects.jsonl", ""},
		{".gz", ".gz.rejects", ".gz.rejects.jsonl", ""},
		{".rejects.csv", ".rejects.rejects.csv", ".rejects.rejects.jsonl", ""},
		{"A.CSV.GZ", "A.CSV.rejects.GZ", "A.CSV.rejects.jsonl", "A.CSV.GZ"},
		{"caf\xE9.csv", "caf\xE9.rejects.csv", "caf\xE9.rejects.jsonl", "caf*.csv"},
		{"events.jsonl", "events.rejects.jsonl", "events.rejects.reasons.jsonl", "events.jsonl"},
	} {
		n := NamesFor(c.name)
		if n.Records != c.records || n.Reasons != c.reasons || RejectName(c.name) != c.records {
			t.Errorf("%q: %q and %q", c.name, n.Records, n.Reasons)
		}
		if n.recordsPath == c.name || n.reasonsPath == c.name || n.recordsPath == n.reasonsPath {
			t.Errorf("%q: in the work folder %q and %q", c.name, n.recordsPath, n.reasonsPath)
		}
		if again := RejectName(n.Records); again != n.Records {
			t.Errorf("%q, and when that comes back %q", n.Records, again)
		}
		if c.match == "" {
			continue
		}
		var job config.Job
		if err := job.Match.UnmarshalText([]byte(c.match)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{c.name, n.Records} {
			if _, ok := job.Matches(name); !ok {
				t.Errorf("%q isn't matched by %q", name, c.match)
			}
		}
	}
}

// FuzzNames: reject files of any sane name have names of their own that stay the same when they come back, and the file lies among them in the work folder.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"orders.csv.gz", ".rejects.csv", "a.rejects-17.csv", "events.jsonl", "x.rejects.again.jsonl", "\xff", ".", "a.rejects.csv.zst"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || strings.Contains(name, "/") || strings.Count(name, ".gz")+strings.Count(name, ".zst") > 1 {
			return // what is packed twice isn't read
		}
		n := NamesFor(name)
		if n.Records == "" || n.Records == n.Reasons || strings.Contains(n.Records+n.Reasons, "/") || n.recordsPath == name || n.reasonsPath == name || n.recordsPath == n.reasonsPath {
			t.Errorf("%q: %+v", name, n)
		}
		if again := RejectName(n.Records); again != n.Records {
			t.Errorf("%q, %q, and when that comes back %q", name, n.Records, again)
		}
		if len(n.Records) > len(name)+len(mark) {
			t.Errorf("%q: %q", name, n.Records)
		}
	})
}
