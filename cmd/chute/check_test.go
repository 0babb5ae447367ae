package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"chute/config"
)

// TestUnencrypted: a password that leaves this machine without TLS is a warning, and nothing else is.
func TestUnencrypted(t *testing.T) {
	for _, c := range []struct {
		address, password string
		tls, warn         bool
	}{
		{"ch1.example.net:9000", "secret", false, true}, {"192.0.2.1:9000", "secret", false, true}, {"[2001:db8::1]:9000", "secret", false, true},
		{"ch1.example.net:9440", "secret", true, false}, {"ch1.example.net:9000", "", false, false},
		{"127.0.0.1:9000", "secret", false, false}, {"localhost:9000", "secret", false, false}, {"[::1]:9000", "secret", false, false},
	} {
		i := &inspection{config: &config.Chute{Database: config.Database{TLS: c.tls}}}
		i.encrypted(finding{Kind: "server", Subject: c.address}, c.password)
		if warned := len(i.findings) == 1 && i.findings[0].Code == "server_unencrypted"; warned != c.warn {
			t.Errorf("%+v: %+v", c, i.findings)
		}
	}
}

// TestDraftsAreWarnings: what only drafts need is no problem yet, but it isn't well either.
func TestDraftsAreWarnings(t *testing.T) {
	i := &inspection{config: &config.Chute{Exports: []*config.Export{{Name: "out", Enabled: true}, {Name: "sketch"}}}, jobs: []*config.Job{{Name: "a", Enabled: true}, {Name: "draft"}}}
	for _, c := range []struct {
		subject string
		jobs    []string
		want    level
	}{
		{"1", []string{"a"}, levelProblem}, {"2", []string{"draft"}, levelWarning}, {"3", []string{"draft", "a"}, levelProblem}, {"4", nil, levelProblem},
		{"5", []string{"out"}, levelProblem}, {"6", []string{"sketch"}, levelWarning},
	} {
		f := finding{Kind: "folder", Subject: c.subject, Jobs: c.jobs, Code: "folder_unusable"}
		if !i.bad(f, errors.New("closed")) {
			t.Error("an error is no problem")
		}
		i.settle(f, "all is well")
		if got := i.findings[len(i.findings)-1]; got.Level != c.want || got.Code != "folder_unusable" {
			t.Errorf("%v: %+v", c.jobs, got)
		}
	}
	if i.bad(finding{Kind: "folder"}, nil) || worst(i.findings) != levelProblem || worst(nil) != levelOK {
		t.Error("no error is a problem, or the worst isn't found")
	}
	i.settle(finding{Kind: "folder", Subject: "7"}, "files can be moved")
	if !slices.ContainsFunc(i.findings, func(f finding) bool { return f.Subject == "7" && f.Level == levelOK && f.Text == "files can be moved" }) {
		t.Errorf("%+v", i.findings)
	}
}

// TestOneLine: nothing that a server or a partner says takes over a terminal.
func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{"a\nb\tc": "a b c", "\x1b[31mred": `\u001b[31mred`, "é\xff": "é\uFFFD", "a\u202eb": `a\u202eb`} {
		if got := oneLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for path, want := range map[string]string{"/srv/acme": "/srv/acme", "/srv/it's here": `'/srv/it'\''s here'`, "": "''", "/srv/$(x)": "'/srv/$(x)'"} {
		if got := shell(path); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
	for bytes, want := range map[int64]string{0: "0B", 1023: "1023B", 1 << 20: "1MiB", 5<<30 + 7: "5GiB", 3<<40 + 1: "3TiB"} {
		if got := roughly(bytes).String(); got != want {
			t.Errorf("%d: %s, want %s", bytes, got, want)
		}
	}
}

// TestCheckDeliveries: what exports deliver to imports of the same installation, and to the outboxes of each other.
func TestCheckDeliveries(t *testing.T) {
	pattern := func(text string) (p config.Pattern) {
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	var all config.Glob
	if err := all.UnmarshalText([]byte("*.csv")); err != nil {
		t.Fatal(err)
	}
	loading := func(name, inbox, table string) *config.Job {
		return &config.Job{Name: name, Enabled: true, Inbox: inbox, Match: all, Target: config.Target{Table: config.TableName{Table: table}}}
	}
	exporting := func(name, outbox, file string) *config.Export {
		return &config.Export{Name: name, Enabled: true, Outbox: pattern(outbox), File: pattern(file), Table: config.TableName{Table: "t"}, Format: config.ExportFormat{Type: "csv", Compression: "none"}}
	}
	packed := exporting("d", "third", "d.csv")
	packed.Format = config.ExportFormat{Type: "csv", Compression: "gzip"}
	i := &inspection{
		config: &config.Chute{Exports: []*config.Export{exporting("a", "in", "a.csv"), exporting("b", "other", "b_%Y.csv"), exporting("c", "other", "b_{seq}.csv"), packed}},
		jobs:   []*config.Job{loading("back", "in", "t"), loading("on", "other", "u")},
	}
	i.deliveries()
	var got []string
	for _, f := range i.findings {
		got = append(got, fmt.Sprintf("%s %s %s: %s", f.Level, f.Code, f.Subject, f.Text))
	}
	for n, want := range []string{
		`warning export_returns a: its outbox is or may be the inbox of job back, which takes what is delivered, such as "a.csv", and loads it where it is or may be asked for again: a -> back -> a`,
		`ok ok b: its outbox is or may be the inbox of job on, which takes what is delivered, such as "b_2000.csv"`,
		`ok ok c: its outbox is or may be the inbox of job on, which takes what is delivered, such as "b_1.csv"`,
		"warning file_misnamed d: its files have compression gzip, and their names, d.csv, tell of none: a program that goes by names can't read them",
		`warning file_ambiguous c: job b can deliver a file of the same name to the same outbox, such as "b_2000.csv": whichever comes second would get its run's number besides`,
	} {
		if n >= len(got) || got[n] != want {
			t.Errorf("finding %d of %q: want %s", n, got, want)
		}
	}
}
