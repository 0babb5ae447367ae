package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// finding is what check says about one subject. Its JSON is documented in the README and stable: fields may be added.
type finding struct {
	Level      level    `json:"level"`
	Kind       string   `json:"kind"`
	Subject    string   `json:"subject"`
	Jobs       []string `json:"jobs,omitempty"` // that are concerned
	Code       string   `json:"code"`
	Text       string   `json:"text"`
	Mend       string   `json:"mend,omitempty"`       // what to do
	Commands   []string `json:"commands,omitempty"`   // of a shell, that do it
	Statements []string `json:"statements,omitempty"` // SQL, that does it

	// Where it is in the configuration, when that can't be read.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Key    string `json:"key,omitempty"`

	blocks bool // the subject can't be used, even if only drafts need it
}

// level says how bad a finding is.
type level string

const (
	levelOK      level = "ok"
	levelWarning level = "warning" // files are loaded all the same
	levelProblem level = "problem" // files aren't loaded, or not all of them
	levelInvalid level = "invalid" // the configuration can't be read
)

// worst is the level of the worst finding.
func worst(findings []finding) level {
	rank := map[level]int{levelOK: 0, levelWarning: 1, levelProblem: 2, levelInvalid: 3}
	worst := levelOK
	for _, f := range findings {
		if rank[f.Level] > rank[worst] {
			worst = f.Level
		}
	}
	return worst
}

// printJSON prints everything as one object.
func printJSON(w io.Writer, file string, findings []finding) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Schema   int       `json:"schema"`
		Config   string    `json:"config"`
		Result   level     `json:"result"`
		Findings []finding `json:"findings"`
	}{1, file, worst(findings), findings})
}

// printText prints a line for each finding, and below it what to do.
func printText(w io.Writer, _ string, findings []finding) error {
	var b strings.Builder
	counts := map[level]int{}
	for _, f := range findings {
		counts[f.Level]++
		jobs := ""
		if len(f.Jobs) > 0 {
			jobs = " (" + strings.Join(f.Jobs, ", ") + ")"
		}
		fmt.Fprintf(&b, "%-8s %s %s%s: %s\n", f.Level, f.Kind, oneLine(f.Subject), jobs, oneLine(f.Text))
		if f.Mend != "" {
			fmt.Fprintf(&b, "           mend: %s\n", oneLine(f.Mend))
		}
		for _, command := range f.Commands {
			fmt.Fprintf(&b, "           $ %s\n", oneLine(command))
		}
		for _, sql := range f.Statements {
			fmt.Fprintf(&b, "           SQL: %s;\n", oneLine(sql))
		}
	}
	switch problems, warnings := counts[levelProblem], counts[levelWarning]; {
	case problems > 0:
		fmt.Fprintf(&b, "%s, %s\n", count(problems, "problem"), count(warnings, "warning"))
	case warnings > 0:
		fmt.Fprintf(&b, "no problem, %s\n", count(warnings, "warning"))
	default:
		fmt.Fprintln(&b, "all is well")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// oneLine is text on one line of a terminal: errors of servers have line ends, and values and names of partners may have anything.
func oneLine(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
