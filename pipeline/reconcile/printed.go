package reconcile

import "strings"

// Constraint is a CHECK of the target. Attached parts pass it by, so it is judged in the stage.
type Constraint struct {
	Name       string // quoted
	Expression string // SQL, as the server prints it
}

// elements is what the list of columns in a CREATE TABLE query holds and no system table tells.
type elements struct {
	constraints []Constraint // ASSUME isn't a rule for rows and is left out
	ttls        []string     // names, quoted, of columns whose values expire
	projections bool
}

func parseElements(create string) elements {
	var e elements
	for _, ts := range firstList(tokens(create)) {
		switch {
		case len(ts) > 3 && ts[0].text == "CONSTRAINT" && ts[2].text == "CHECK":
			e.constraints = append(e.constraints, Constraint{Name: quoteBare(ts[1].text), Expression: between(create, ts[3:])})
		case len(ts) > 3 && ts[0].text == "PROJECTION" && ts[2].text == "(":
			e.projections = true
		case ts[0].text[0] == '`' && hasTTL(ts):
			e.ttls = append(e.ttls, ts[0].text)
		}
	}
	return e
}

// quoteBare quotes a name that the server printed without quotes: it does so also with CHECK.
func quoteBare(name string) string {
	if quotedText(name) {
		return name
	}
	return "`" + name + "`"
}

func hasTTL(ts []token) bool {
	for i, t := range ts {
		if t.depth == ts[0].depth && keyword(ts, i, "TTL") {
			return true
		}
	}
	return false
}

// storage is what an engine's full definition says behind the engine's name.
type storage struct {
	keys     string   // PARTITION BY, PRIMARY KEY, ORDER BY and SAMPLE BY, word for word; empty in the syntax of before 2018
	settings []string // those that a stage must have too
	rowTTL   bool     // rows expire
	synced   bool     // parts and their folders are synced to disk
}

func parseStorage(full string) storage {
	var s storage
	ts := tokens(full)
	begin, end := len(ts), len(ts)
	for i, t := range ts {
		switch {
		case t.depth > 0 || i+1 == len(ts):
		case keyword(ts, i, "SETTINGS"):
			s.readSettings(full, list(ts[i+1:]))
			s.keys = between(full, ts[min(begin, end, i):min(end, i)])
			return s
		case keyword(ts, i, "TTL"):
			s.rowTTL, end = true, min(end, i)
		case keyword(ts, i, "ORDER") || keyword(ts, i, "PARTITION") || keyword(ts, i, "PRIMARY") || keyword(ts, i, "SAMPLE"):
			begin = min(begin, i)
		}
	}
	s.keys = between(full, ts[min(begin, end):end])
	return s
}

// alike are the settings without which a stage can't be made, or its parts don't fit: where parts are, how their marks are written,
// which unusual keys are allowed.
func alike(name string) bool {
	switch name {
	case "storage_policy", "disk", "index_granularity", "index_granularity_bytes", "enable_mixed_granularity_parts":
		return true
	}
	return strings.HasPrefix(name, "allow_") || strings.HasPrefix(name, "compatibility_")
}

func (s *storage) readSettings(full string, settings [][]token) {
	on := map[string]bool{}
	for _, ts := range settings {
		name := ts[0].text
		if alike(name) {
			s.settings = append(s.settings, between(full, ts))
		}
		on[name] = len(ts) == 3 && (ts[2].text == "1" || ts[2].text == "true")
	}
	s.synced = on["fsync_after_insert"] && on["fsync_part_directory"]
}
