package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWriteOperator(t *testing.T) {
	runs := t.TempDir()
	dir := filepath.Join(runs, "17")
	r := whole()
	for range 2 { // again, as after a crash that left a longer temporary file
		if err := r.WriteOperator(dir); err != nil {
			t.Fatal(err)
		}
		want := texts(t, r)
		for name, kind := range map[string]string{"report.json": "operator.json", "log": "operator.log"} {
			got, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || !bytes.Equal(got, want[kind]) {
				t.Errorf("%s has\n%s (%v)", name, got, err)
			}
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s is open to others: %v (%v)", name, info, err)
			}
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 2 {
			t.Errorf("left behind: %v (%v)", entries, err)
		}
		left := bytes.Repeat([]byte("half "), 10_000)
		if err := os.WriteFile(filepath.Join(dir, ".log.tmp"), left, 0o600); err != nil {
			t.Fatal(err)
		}
		r.Table = "`other`"
	}
}

// A name that can't be taken is an error that names it; what was there stays, and nothing half-written is left.
func TestWriteOperatorFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "log", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := whole().WriteOperator(dir)
	if err == nil || !strings.Contains(err.Error(), "write the report of run 17") || !strings.Contains(err.Error(), filepath.Join(dir, "log")) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".log.tmp")); !os.IsNotExist(err) {
		t.Errorf("the temporary file: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "log", "full")); err != nil {
		t.Error(err)
	}

	file := filepath.Join(dir, "report.json")
	if err := whole().WriteOperator(filepath.Join(file, "17")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("below a file: %v", err)
	}
}

func TestWriteOperators(t *testing.T) {
	runs := t.TempDir()
	var reports []*Report
	for i := range uint64(20) {
		r := whole()
		r.Run = i + 1
		reports = append(reports, r)
	}
	synced := 0
	defer func(was func(int) error) { syncfs = was }(syncfs)
	syncfs = func(fd int) error {
		synced++
		if entries, err := os.ReadDir(filepath.Join(runs, "20")); err != nil || len(entries) != 2 {
			t.Errorf("synced while run 20 has %v (%v)", entries, err)
		}
		return unix.Syncfs(fd)
	}
	if err := WriteOperators(runs, reports); err != nil || synced != 1 {
		t.Fatalf("%d syncs (%v)", synced, err)
	}
	for i, r := range reports {
		dir := filepath.Join(runs, fmt.Sprint(i+1))
		want := texts(t, r)
		for name, kind := range map[string]string{"report.json": "operator.json", "log": "operator.log"} {
			if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want[kind]) {
				t.Errorf("%s of run %d has\n%s (%v)", name, i+1, got, err)
			}
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
			t.Errorf("left behind: %v (%v)", entries, err)
		}
	}
	if err := WriteOperators(filepath.Join(runs, "none"), nil); err == nil {
		t.Error("a missing folder isn't noticed")
	}
}

// One report that can't be written is an error; once it can be, the next call writes all of them anew.
func TestWriteOperatorsFails(t *testing.T) {
	runs := t.TempDir()
	if err := os.WriteFile(filepath.Join(runs, "18"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good, bad := whole(), whole()
	bad.Run = 18
	err := WriteOperators(runs, []*Report{good, bad})
	if err == nil || !strings.Contains(err.Error(), filepath.Join(runs, "18")) {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(filepath.Join(runs, "18")); err != nil {
		t.Fatal(err)
	}
	good.JobHash = "another"
	if err := WriteOperators(runs, []*Report{good, bad}); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Report{good, bad} {
		dir := filepath.Join(runs, fmt.Sprint(r.Run))
		if got, err := os.ReadFile(filepath.Join(dir, "report.json")); err != nil || !bytes.Equal(got, texts(t, r)["operator.json"]) {
			t.Errorf("report.json of run %d has\n%s (%v)", r.Run, got, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
			t.Errorf("left behind: %v (%v)", entries, err)
		}
	}
}
