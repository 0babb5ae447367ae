package config

import (
	"reflect"
	"strings"
)

// Key is one that --set takes.
type Key struct {
	Name    string   // dotted: format.delimiter
	Allowed []string // the values, where they are few
}

// JobKeys are the keys of an import's file, but for those of its columns, and extends and kind, which are known before.
func JobKeys() []Key { return settableKeys("", reflect.TypeFor[Job]()) }

// ExportKeys are those of an export's file.
func ExportKeys() []Key { return settableKeys("", reflect.TypeFor[Export]()) }

func settableKeys(prefix string, t reflect.Type) []Key {
	var keys []Key
	for field := range t.Fields() {
		name := field.Tag.Get("toml")
		switch {
		case name == "-", name == "extends", name == "kind", field.Type.Kind() == reflect.Slice && plainStruct(field.Type.Elem()):
		case plainStruct(field.Type):
			keys = append(keys, settableKeys(prefix+name+".", field.Type)...)
		case field.Type.Kind() == reflect.Bool:
			keys = append(keys, Key{prefix + name, []string{"true", "false"}})
		case field.Tag.Get("oneof") != "":
			keys = append(keys, Key{prefix + name, strings.Split(field.Tag.Get("oneof"), ",")})
		default:
			keys = append(keys, Key{Name: prefix + name})
		}
	}
	return keys
}
