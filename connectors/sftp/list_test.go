package sftp

import (
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chute/connectors/connectortest/sshd"
)

// TestManyLongNames: one listing of 10,000 entries, no look at any of them.
func TestManyLongNames(t *testing.T) {
	var all []fs.FileInfo
	for i := range 10_000 {
		all = append(all, sshd.Entry{File: fmt.Sprintf("%05d-%s", i, strings.Repeat("n", 249)), Time: time.Unix(int64(i), 0)})
	}
	var looks atomic.Int64
	f, dir := disk(t, &sshd.Disk{Entries: all, Before: func(what, _ string) error {
		if what == "Lstat" || what == "Stat" {
			looks.Add(1)
		}
		return nil
	}})
	put(t, dir, "many/x", nil)
	files, err := f.List(t.Context(), "many")
	if err != nil || len(files) != len(all) || looks.Load() != 1 {
		t.Fatalf("%d entries with %d looks, %v", len(files), looks.Load(), err)
	}
	for i, file := range files {
		if file.Name != all[i].Name() || !file.ModTime.Equal(all[i].ModTime()) || !file.Regular() || file.Size != 255 {
			t.Fatalf("%+v", file)
		}
	}
}

// TestSillyNames: a server may send anything for a name; nothing leads out of the folder.
func TestSillyNames(t *testing.T) {
	var all []fs.FileInfo
	for _, name := range []string{"good", "", ".", "..", "/", "a/../../b", "zero\x00byte"} {
		all = append(all, sshd.Entry{File: name})
	}
	f, dir := disk(t, &sshd.Disk{Entries: all})
	put(t, dir, "many/x", nil)
	files, err := f.List(t.Context(), "many")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := checkName("many/" + file.Name); err != nil || strings.Contains(file.Name, "/") {
			t.Errorf("listed is %q", file.Name)
		}
	}
}

// TestKindsNotTold: an entry whose kind the server keeps to itself isn't taken for a file.
func TestKindsNotTold(t *testing.T) {
	f, dir := disk(t, &sshd.Disk{Without: fs.ModeType})
	put(t, dir, "a", nil)
	files, err := f.List(t.Context(), ".")
	if err != nil || len(files) != 1 || files[0].Regular() {
		t.Fatalf("%+v, %v", files, err)
	}
	if _, err := f.Open(t.Context(), "a"); err == nil {
		t.Fatal("opened")
	}
}
