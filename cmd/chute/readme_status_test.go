package main

import (
	"fmt"
	"strings"
	"testing"

	"chute/watcher"
	"chute/watcher/status"
)

// TestReadmeStatusFields: the tables of the fields of status files are made of the structs.
func TestReadmeStatusFields(t *testing.T) {
	tables := fieldTables(t, "cmd/chute", [][2]string{{"`chute why --json`: one object", "whyJSON"}, {"`chute status --json`: one object", "statusJSON"}}) + "\n" +
		fieldTables(t, "watcher/status", [][2]string{
			{"An object of `findings`", "Finding"},
			{"`daemon.json`", "Daemon"}, {"`configuration`", "Configuration"}, {"`database`", "Database"}, {"`queue`", "Queue"},
			{"An object of `stores`", "Store"}, {"An object of `disks`", "Disk"}, {"An object of `unwanted`", "Inbox"},
			{"`jobs/JOB.json`", "Job"}, {"An object of `waiting` or `entries`", "File"}, {"An object of `runs`", "Run"},
			{"`runs/RUN.json`", "Progress"},
		})
	wantPart(t, "status fields", "the structs in watcher/status", tables)
}

// TestReadmeStatusCodes: the README explains each code with its level, and names each state of a file.
func TestReadmeStatusCodes(t *testing.T) {
	text, _, _ := strings.Cut(chapter(t, "Status"), "<!--")
	var listed [][]string
	for _, row := range rows(text) {
		if len(row) == 3 && row[0] != "code" && !strings.Contains(row[0], ".") && row[0] != "file" {
			listed = append(listed, row)
		}
	}
	for i, c := range status.Codes {
		level, _ := c.Level.MarshalText()
		if i >= len(listed) || listed[i][0] != "`"+c.Code+"`" || listed[i][1] != string(level) {
			t.Errorf("row %d of the README's table isn't %s, %s", i+1, c.Code, level)
		}
	}
	if len(listed) != len(status.Codes) {
		t.Errorf("the README explains %d codes, there are %d", len(listed), len(status.Codes))
	}
	for state := watcher.Settling; state <= watcher.Running; state++ {
		if !strings.Contains(text, fmt.Sprintf("`%s`", state)) {
			t.Errorf("the README doesn't name the state %q", state)
		}
	}
}
