package config

import (
	"reflect"
	"slices"
	"strings"
)

// suggest returns the known word that is most like the unknown one, or "" when none is near: at most a third of the letters differ.
func suggest(unknown string, known []string) string {
	best, bestDistance := "", max(len(unknown)/3, 1)+1
	for _, word := range known {
		if d := distance(strings.ToLower(unknown), strings.ToLower(word)); d < bestDistance {
			best, bestDistance = word, d
		}
	}
	return best
}

// distance counts the letters to insert, remove, replace or swap with their neighbour to make b of a.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// unknownKey says what may have been meant: a key with nearly that name here, or one with that name in another table.
func unknownKey(key string, here, root reflect.Type) string {
	if slices.Contains(laterKeys(here), key) {
		return "isn't available in this version"
	}
	if near := suggest(key, tableKeys(here)); near != "" {
		return "no such key; did you mean " + near + "?"
	}
	for field := range root.Fields() {
		name, inner := field.Tag.Get("toml"), field.Type
		header := "[" + name + "]"
		if inner.Kind() == reflect.Slice {
			inner, header = inner.Elem(), "[["+name+"]]"
		}
		if inner != here && plainStruct(inner) && slices.Contains(tableKeys(inner), key) {
			return "no such key here; it belongs under " + header
		}
	}
	if here != root && slices.Contains(tableKeys(root), key) {
		return "no such key here; it belongs at the top of the file, before the first [table]"
	}
	for other, kind := range map[reflect.Type]string{reflect.TypeFor[Job](): "imports", reflect.TypeFor[Export](): "exports"} {
		if here == root && other != root && slices.Contains(tableKeys(other), key) {
			return "no such key here; it is one of " + kind
		}
	}
	return "no such key; allowed are " + strings.Join(tableKeys(here), ", ")
}

// laterKeys returns the keys of the design that a table doesn't have yet.
func laterKeys(t reflect.Type) []string {
	blank, _ := t.FieldByName("_")
	return strings.Split(blank.Tag.Get("later"), ",")
}

// tableKeys returns the keys of a struct's table in order.
func tableKeys(t reflect.Type) []string {
	var keys []string
	for field := range t.Fields() {
		if key := field.Tag.Get("toml"); key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}
