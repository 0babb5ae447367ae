package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
)

// effective prints a job's tree as TOML: the keys that are set, each under its table, in the order of the struct's fields. Two files that mean
// the same by the same values print the same, whatever they extend and however they are laid out.
func effective(tree *node, as reflect.Type) string {
	var b strings.Builder
	printTable(&b, tree, as, "")
	return b.String()
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// printTable prints the plain keys, and behind them the tables, which TOML wants last. prefix is the table's own name with a dot.
func printTable(b *strings.Builder, tree *node, t reflect.Type, prefix string) {
	for field := range t.Fields() {
		key := field.Tag.Get("toml")
		if n := tree.get(key); n != nil && key != "extends" && !plainStruct(elem(field.Type)) {
			fmt.Fprintf(b, "%s = %s\n", key, tomlValue(n))
		}
	}
	for field := range t.Fields() {
		key := field.Tag.Get("toml")
		n := tree.get(key)
		if n == nil || !plainStruct(elem(field.Type)) {
			continue
		}
		if n.kind == array {
			for _, item := range n.items {
				fmt.Fprintf(b, "\n[[%s]]\n", prefix+key)
				printTable(b, item, elem(field.Type), prefix+key+".")
			}
		} else if len(n.entries) > 0 {
			fmt.Fprintf(b, "\n[%s]\n", prefix+key)
			printTable(b, n, field.Type, prefix+key+".")
		}
	}
}

func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Slice {
		return t.Elem()
	}
	return t
}

func tomlValue(n *node) string {
	switch n.kind {
	case text:
		return tomlString(n.text)
	case array:
		items := make([]string, len(n.items))
		for i, item := range n.items {
			items[i] = tomlValue(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case table:
		var pairs []string
		for _, e := range n.entries {
			pairs = append(pairs, tomlKey(e.key)+" = "+tomlValue(e.value))
		}
		return "{ " + strings.Join(pairs, ", ") + " }"
	}
	return n.text
}

// tomlKey quotes a key where TOML wants it.
func tomlKey(key string) string {
	for _, r := range key {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' {
			return tomlString(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}

// tomlString prints a text as a TOML basic string. Bytes that aren't UTF-8 can't come out of a TOML file and become U+FFFD.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
