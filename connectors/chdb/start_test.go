package chdb

import (
	"fmt"
	"testing"
)

// Two tables that load at once may crash the engine or hang it; see engineConfig.
func TestTablesLoadOneByOne(t *testing.T) {
	const tables = 6
	path := t.TempDir()
	d, err := Open(testContext(t), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for i := range tables {
		execute(t, d.session, fmt.Sprintf("CREATE TABLE t%d (n UInt8) ENGINE = MergeTree PARTITION BY n ORDER BY n", i))
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	const loads = "(SELECT job, start_time, finish_time FROM system.asynchronous_loader WHERE startsWith(job, 'load table'))"
	again := openTest(t, path)
	wantRows(t, again.session, "SELECT count() FROM "+loads, fmt.Sprint(tables))
	wantRows(t, again.session, "SELECT count() FROM "+loads+" a CROSS JOIN "+loads+" b WHERE a.job != b.job AND a.start_time < b.finish_time AND b.start_time < a.finish_time", "0")
}
