package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// takePhoto remembers every file and folder of the script's world, with owner, mode and content, and every table with its definition and its rows. Times
// aren't compared: looking at a folder may change them.
func (w *world) takePhoto(ts *testscript.TestScript) map[string]string {
	photo := map[string]string{}
	ts.Check(filepath.WalkDir(w.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(w.dir, name)
		if err != nil {
			return err
		}
		if rel == "log" || rel == "cache" || strings.HasPrefix(rel, ".tmp") {
			return skip(d)
		}
		photo[rel], err = look(name, rel)
		return err
	}))
	photo["the database"] = w.tables(ts)
	return photo
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func look(name, rel string) (string, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return "", err
	}
	owner := info.Sys().(*syscall.Stat_t)
	text := fmt.Sprintf("%s %d:%d", info.Mode(), owner.Uid, owner.Gid)
	if !info.Mode().IsRegular() || rel == "state/chdb/chute.lock" { // it has the process that had the engine last
		return text, nil
	}
	content, err := os.ReadFile(name)
	return fmt.Sprintf("%s %x", text, sha256.Sum256(content)), err
}

// tables are the script's tables and how many rows they have, if there can be any: looking for them in the embedded engine would make it.
func (w *world) tables(ts *testscript.TestScript) string {
	if _, err := os.Stat(filepath.Join(w.dir, "state/chdb/metadata")); w.engine == "chdb" && (err != nil || w.daemon != nil) {
		return ""
	}
	of := " WHERE database = '" + w.database + "'"
	return w.ask(ts, "SELECT * FROM (SELECT name, create_table_query, '' AS part, toUInt64(0) AS rows FROM system.tables"+of+
		" UNION ALL SELECT table AS name, '', name AS part, rows FROM system.parts"+of+" AND active) ORDER BY name, part")
}

func (w *world) unchanged(ts *testscript.TestScript) {
	now := w.takePhoto(ts)
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if before, ok := w.photo[name]; !ok {
			changes = append(changes, "new: "+name)
		} else if before != now[name] {
			changes = append(changes, "changed: "+name+"\n  "+before+"\n  "+now[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.photo)) {
		if _, ok := now[name]; !ok {
			changes = append(changes, "gone: "+name)
		}
	}
	if len(changes) > 0 {
		ts.Fatalf("%s", strings.Join(changes, "\n"))
	}
}

// killed runs a command as often as is said, each time killed a little later. Scratch tables that it leaves on a server are made to look old
// enough to be dropped: a start or check a minute later would.
func (w *world) killed(ts *testscript.TestScript, args []string) {
	times := number(ts, args[0])
	began := time.Now()
	w.killedAfter(ts, patience, args[1:])
	whole := time.Since(began)
	for n := range times {
		w.killedAfter(ts, whole*time.Duration(n+1)/time.Duration(times+1), args[1:])
	}
	if w.engine == "clickhouse" {
		w.until(ts, "the server to be through with what was killed", func() bool { // it goes on with a statement whose client is gone
			return w.ask(ts, "SELECT count() FROM system.processes WHERE positionCaseInsensitive(query, concat('chute_', 'probe')) > 0") == "0"
		})
		left, err := filepath.Glob(filepath.Join(w.server.Dir, "data/metadata", w.database, "chute_probe_*.sql"))
		ts.Check(err)
		for _, file := range left {
			ts.Check(os.Chtimes(file, began.Add(-time.Hour), began.Add(-time.Hour)))
		}
	}
}

func (w *world) killedAfter(ts *testscript.TestScript, d time.Duration, words []string) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Dir = w.dir
	for _, name := range []string{"PATH", "HOME", "WORK", "CHUTE_LIBCHDB", "XDG_CACHE_HOME", "GOCOVERDIR"} {
		c.Env = append(c.Env, name+"="+ts.Getenv(name))
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil && ctx.Err() == nil {
		ts.Fatalf("%v: %v\n%s", words, err, out.String())
	}
}
