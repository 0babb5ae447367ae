package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Arrival tells that files of an export come into the inbox of an import, which takes them.
type Arrival struct {
	Export  *Export
	Import  *Job
	Example string   // a name that is delivered and taken
	Circle  []string // jobs through which what is delivered comes back to Export's question, each before the next; nil: it doesn't
}

// Arrivals finds what enabled exports deliver to enabled imports.
func Arrivals(jobs []*Job, exports []*Export) []Arrival {
	c := newComparison()
	var found []Arrival
	for _, e := range exports {
		for _, j := range jobs {
			if !e.Enabled || !j.Enabled || !e.feeds(j) {
				continue
			}
			if example, ok := c.taken(e, j); ok {
				found = append(found, Arrival{Export: e, Import: j, Example: example})
			}
		}
	}
	for i := range found {
		found[i].Circle = circle(found, found[i].Export, []Arrival{found[i]})
	}
	return found
}

// taken returns a name that the export delivers and the job takes.
func (c *comparison) taken(e *Export, j *Job) (string, bool) {
	names, ignored := c.of(j)
	name, found, _ := c.find([]*language{e.language(), names}, ignored)
	if !found {
		return "", false
	}
	_, fits := j.Matches(name)
	return name, fits
}

// circle returns the jobs on the way on which what was delivered comes to the question of an export, or nil. way are the steps so far.
func circle(all []Arrival, back *Export, way []Arrival) []string {
	loaded := way[len(way)-1].Import.Target.Table
	if back.mayRead(loaded) {
		var names []string
		for _, a := range way {
			names = append(names, a.Export.Name, a.Import.Name)
		}
		return append(names, back.Name)
	}
	for _, next := range all {
		passed := slices.ContainsFunc(way, func(a Arrival) bool { return a.Import == next.Import })
		if next.Export == back || passed || !next.Export.mayRead(loaded) {
			continue
		}
		if names := circle(all, back, append(slices.Clone(way), next)); names != nil {
			return names
		}
	}
	return nil
}

// mayRead tells whether the export's question is about a table, or has its name in it.
func (e *Export) mayRead(t TableName) bool {
	if t.IsZero() {
		return false
	}
	if e.Query == "" {
		return e.Table.Table == t.Table && (e.Table.Database == t.Database || e.Table.Database == "" || t.Database == "") // "" is the default, which may be the other's
	}
	return regexp.MustCompile(`(^|[^\pL\pN_])` + regexp.QuoteMeta(t.Table) + `([^\pL\pN_]|$)`).MatchString(e.Query)
}

// Twins are two exports that deliver to one folder, in which files of both can have one name.
type Twins struct {
	First, Second *Export
	Example       string
	Same          bool // their files have the same names, whatever the time and the rows
}

// FindTwins compares the enabled exports with each other.
func FindTwins(exports []*Export) (found []Twins) {
	for i, first := range exports {
		for _, second := range exports[i+1:] {
			if !first.Enabled || !second.Enabled || first.Store != second.Store {
				continue
			}
			if a, b := first.Outbox.segments(), second.Outbox.segments(); len(a) != len(b) || !overlapping(a, b) {
				continue
			}
			if name, ok, _ := search([]*language{first.language(), second.language()}, nil); ok {
				found = append(found, Twins{first, second, name, first.always() && second.always() && first.spelled(first.File) == second.spelled(second.File)})
			}
		}
	}
	return found
}

// twins reports exports of which each wants the names of the other.
func (l *loader) twins(exports []loadedExport) {
	var all []*Export
	trees := map[*Export]*node{}
	for _, e := range exports {
		if !e.tree.damaged && !e.export.File.IsZero() && !e.export.Outbox.IsZero() {
			all, trees[e.export] = append(all, e.export), e.tree
		}
	}
	said := map[*Export]bool{}
	for _, t := range FindTwins(all) {
		if t.Same && !said[t.Second] {
			said[t.Second] = true
			checker{trees[t.Second], &l.problems}.bad("file", "jobs %q and %q have the same names in the same outbox, such as %q: nobody could tell whose file it is; "+
				"write {job} into one of them, or choose another outbox", t.First.Name, t.Second.Name, t.Example)
		}
	}
}

// always tells whether neither time nor rows could keep the export's names, or its outbox, apart from the same of another job.
func (e *Export) always() bool {
	for _, p := range slices.Concat(e.Outbox.pieces, e.File.pieces) {
		if p.kind == '%' || p.kind == '{' && p.text == "value" {
			return false
		}
	}
	return true
}

// language are the names that the export delivers.
func (e *Export) language() *language { return compileLanguage("^(?s:"+e.names()+")$", false) }

// names is an expression for them: of its files and of what goes with them.
func (e *Export) names() string {
	file, whole := e.spelled(e.File), e.spelled(e.File)
	if !e.Split.IsZero() {
		whole = e.spelled(e.Split.Name)
	}
	names := []string{file}
	for suffix, wanted := range map[string]bool{".sha256": e.Checksum == "sha256", ".manifest.json": e.Manifest, ".done": e.Done} {
		if wanted {
			names = append(names, whole+regexp.QuoteMeta(suffix))
		}
	}
	slices.Sort(names)
	return strings.Join(names, "|")
}

// Counts tells whether what the job has delivered matters to its next delivery: it has a number, or only what is new.
func (e *Export) Counts() bool { return slices.Contains(e.named(), "seq") || !e.Watermark.IsZero() }

// Succeeds tells whether a file that a job of another name has delivered to the same store is one that this job would deliver, if it had that name or has its own.
func (e *Export) Succeeds(other, outbox, file string) bool {
	folder, own := split(outbox), e.Outbox.segments()
	if len(folder) != len(own) || !overlapping(folder, own) {
		return false
	}
	pattern := e.File
	if !e.Split.IsZero() {
		pattern = e.Split.Name
	}
	named := *e
	named.Name = other
	return regexp.MustCompile("^(?s:" + e.spelled(pattern) + "|" + named.spelled(pattern) + ")$").MatchString(file)
}

// packings are the ends of names that tell of compression.
var packings = map[string]string{"gzip": ".gz", "zstd": ".zst", "none": ""}

// NamedLike returns the compression that the names of the job's files tell of, and whether it is another one than they have. What ends in a variable tells of none.
func (e *Export) NamedLike() (compression string, other bool) {
	compression = "none"
	pieces := e.File.pieces
	if len(pieces) == 0 || pieces[len(pieces)-1].kind == '{' {
		return compression, false
	}
	name := strings.ToLower(pieces[len(pieces)-1].text)
	for packing, suffix := range packings {
		if suffix != "" && strings.HasSuffix(name, suffix) {
			compression = packing
		}
	}
	return compression, compression != e.Format.Packing()
}

// digits are what strftime words become.
var digits = map[string]string{"Y": "2[0-9]{3}", "m": "(0[1-9]|1[0-2])", "d": "(0[1-9]|[12][0-9]|3[01])", "H": "([01][0-9]|2[0-3])", "M": "[0-5][0-9]", "S": "[0-5][0-9]", "j": "[0-3][0-9]{2}", "y": "[0-9]{2}"}

// spelled is an expression for what a pattern can become; parameters are what the job has.
func (e *Export) spelled(p Pattern) string {
	const number = "[1-9][0-9]*"
	variables := map[string]string{"seq": number, "part": number, "value": ".+", "job": regexp.QuoteMeta(e.Name)}
	for name, value := range maps.All(e.Parameters) {
		variables[name] = regexp.QuoteMeta(value)
	}
	var b strings.Builder
	for _, piece := range p.pieces {
		switch piece.kind {
		case 't':
			b.WriteString(regexp.QuoteMeta(piece.text))
		case '%':
			b.WriteString(digits[piece.text])
		case '{':
			fmt.Fprintf(&b, "(%s)", variables[piece.text])
		}
	}
	return b.String()
}
