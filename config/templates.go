package config

import (
	"embed"
	"path"
	"slices"
	"strings"
)

//go:embed templates/*.toml
var templateFiles embed.FS

// Template is a built-in file of settings to start from: a job extends it by its name, or begins as a copy of its text.
type Template struct {
	Name    string
	Summary string // one line: its first comment
	Text    string // TOML, with comments
	Wants   string // the keys that a copy lacks
}

// Templates returns the built-in templates by name. They can't be changed or shadowed.
func Templates() []Template { return slices.Clone(builtins) }

// FindTemplate returns the template of that name.
func FindTemplate(name string) (Template, bool) {
	at := slices.IndexFunc(builtins, func(t Template) bool { return t.Name == name })
	if at < 0 {
		return Template{}, false
	}
	return builtins[at], true
}

var builtins = readTemplates()

// readTemplates can't fail: the files are part of the program.
func readTemplates() []Template {
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err)
	}
	var templates []Template
	for _, entry := range entries {
		data, err := templateFiles.ReadFile(path.Join("templates", entry.Name()))
		if err != nil {
			panic(err)
		}
		summary, _, _ := strings.Cut(string(data), "\n")
		wants := "store, inbox, match and target.table"
		if strings.Contains(string(data), "\nkind = \"export\"\n") {
			wants = "store, outbox, file and query or table"
		}
		templates = append(templates, Template{
			Wants:   wants,
			Name:    strings.TrimSuffix(entry.Name(), ".toml"),
			Summary: strings.TrimPrefix(summary, "# "),
			Text:    string(data),
		})
	}
	return templates
}
