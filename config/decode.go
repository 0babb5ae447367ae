package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// decoder fills structs from trees by the tags of their fields. It goes on after every problem.
type decoder struct {
	root     reflect.Type // of the whole file, to say where a misplaced key belongs
	problems *Problems
}

// decode fills `into`, a pointer to a struct, with its defaults and then with what the tree says.
func decode(tree *node, into any, problems *Problems) {
	v := reflect.ValueOf(into).Elem()
	setDefaults(v)
	d := decoder{root: v.Type(), problems: problems}
	d.table(tree, v, "")
}

// setDefaults fills in the `default` tags, also of the tables inside. They are written as in a file, so a default that can't be parsed is
// a mistake of ours.
func setDefaults(v reflect.Value) {
	for field, value := range v.Fields() {
		if word, ok := field.Tag.Lookup("default"); ok {
			var problems Problems
			d := decoder{problems: &problems}
			d.value(defaultNode(value, word), value, field, field.Name)
			if err := problems.err(); err != nil {
				panic(err)
			}
		} else if plainStruct(field.Type) {
			setDefaults(value)
		}
	}
}

// defaultNode makes of a default what a file would have.
func defaultNode(v reflect.Value, word string) *node {
	kinds := map[reflect.Kind]kind{reflect.Bool: boolean, reflect.Int: integer, reflect.Float64: float}
	if k, ok := kinds[v.Kind()]; ok {
		return &node{kind: k, text: word}
	}
	return &node{kind: text, text: word}
}

// plainStruct tells structs that are tables from value types.
func plainStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(textType) && t != secretType && t != positionType
}

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	secretType   = reflect.TypeFor[Secret]()
	positionType = reflect.TypeFor[Position]()
	sizeType     = reflect.TypeFor[Size]()
	toleranceTyp = reflect.TypeFor[Tolerance]()
	patternType  = reflect.TypeFor[Pattern]()
	boundType    = reflect.TypeFor[Bound]()
)

func (d *decoder) table(n *node, v reflect.Value, path string) {
	fields := make(map[string]int)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Type == positionType {
			v.Field(i).Set(reflect.ValueOf(n.pos))
		}
		if key := field.Tag.Get("toml"); key != "-" {
			fields[key] = i
		}
	}
	for _, e := range n.entries {
		i, known := fields[e.key]
		if !known {
			if e.value.kind != broken {
				d.problems.add(e.pos, path+e.key, "%s", unknownKey(e.key, v.Type(), d.root))
			}
			continue
		}
		d.value(e.value, v.Field(i), v.Type().Field(i), path+e.key)
	}
}

// value decodes one value. The field gives the tags; for an entry of a list it is the list's.
func (d *decoder) value(n *node, v reflect.Value, field reflect.StructField, key string) {
	t := v.Type()
	switch {
	case n.kind == broken:
	case t == patternType && field.Tag.Get("literal") == "true":
		if d.wants(n, text, key) {
			d.parsed(n, v.Addr().Interface().(*Pattern).compile(n.text, true), key)
		}
	case t == boundType && (n.kind == integer || n.kind == float):
		d.parsed(n, v.Addr().Interface().(*Bound).UnmarshalText([]byte(n.text)), key)
	case (t == sizeType || t == toleranceTyp) && n.kind == integer:
		word := n.text
		if t == sizeType {
			word += "B"
		}
		d.parsed(n, v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(word)), key)
	case t == secretType:
		d.secret(n, v, key)
	case reflect.PointerTo(t).Implements(textType):
		if d.wants(n, text, key) {
			d.parsed(n, v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.text)), key)
		}
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		d.value(n, v.Elem(), field, key)
	case t.Kind() == reflect.Slice:
		d.list(n, v, field, key)
	case t.Kind() == reflect.Map:
		d.texts(n, v, key)
	case t.Kind() == reflect.Struct:
		if d.wants(n, table, key) {
			d.table(n, v, key+".")
		}
	default:
		d.scalar(n, v, field, key)
	}
}

// wants checks the kind of a value. Overrides may leave the quotes of a text away; such a node becomes a text here, so that it
// is printed as one.
func (d *decoder) wants(n *node, want kind, key string) bool {
	if want == text && n.bare {
		n.kind, n.bare = text, false
	}
	if n.kind == want || want == float && n.kind == integer {
		return true
	}
	d.problems.add(n.pos, key, "must be %s%s, not %s", want, map[kind]string{text: " in quotes"}[want], n.kind)
	return false
}

func (d *decoder) parsed(n *node, err error, key string) {
	if err != nil {
		d.problems.add(n.pos, key, "%v", err)
	}
}

func (d *decoder) scalar(n *node, v reflect.Value, field reflect.StructField, key string) {
	switch v.Kind() {
	case reflect.String:
		if d.wants(n, text, key) && d.allowed(n, field, key) {
			v.SetString(n.text)
		}
	case reflect.Bool:
		if d.wants(n, boolean, key) {
			v.SetBool(n.text == "true")
		}
	case reflect.Int:
		if d.wants(n, integer, key) {
			number, err := strconv.ParseInt(n.text, 0, 32)
			if err != nil {
				d.problems.add(n.pos, key, "%s is out of range", n.text)
				return
			}
			v.SetInt(number)
		}
	case reflect.Float64:
		if d.wants(n, float, key) {
			number, err := strconv.ParseFloat(n.text, 64)
			if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
				d.problems.add(n.pos, key, "%s is no number to be used here", n.text)
				return
			}
			v.SetFloat(number)
		}
	default: // unreachable unless a field of a new kind was added to the structs
		panic(fmt.Sprintf("config: %s has a type that can't be decoded", field.Name))
	}
}

// allowed checks a word against the field's list.
func (d *decoder) allowed(n *node, field reflect.StructField, key string) bool {
	list, ok := field.Tag.Lookup("oneof")
	if !ok {
		return true
	}
	words := strings.Split(list, ",")
	if slices.Contains(words, n.text) {
		return true
	}
	if slices.Contains(strings.Split(field.Tag.Get("later"), ","), n.text) && n.text != "" {
		d.problems.add(n.pos, key, "%q isn't available in this version; %s", n.text, allowedWords(words))
		return false
	}
	hint := ""
	if near := suggest(n.text, words); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	d.problems.add(n.pos, key, "%q isn't known; %s%s", n.text, allowedWords(words), hint)
	return false
}

func allowedWords(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.Quote(word)
	}
	if len(quoted) == 1 {
		return "allowed is " + quoted[0]
	}
	return "allowed are " + strings.Join(quoted, ", ")
}

func (d *decoder) list(n *node, v reflect.Value, field reflect.StructField, key string) {
	if n.kind != array && plainStruct(v.Type().Elem()) {
		d.problems.add(n.pos, key, "must be written as [[%s]] tables", key)
		return
	}
	if !d.wants(n, array, key) {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		entry := v.Index(i)
		if plainStruct(entry.Type()) {
			setDefaults(entry)
		}
		d.value(item, entry, field, fmt.Sprintf("%s[%d]", key, i+1))
	}
}

// texts decodes a table of any keys with texts as values.
func (d *decoder) texts(n *node, v reflect.Value, key string) {
	if !d.wants(n, table, key) {
		return
	}
	made := make(map[string]string, len(n.entries))
	for _, e := range n.entries {
		if e.value.kind != broken && d.wants(e.value, text, key+"."+e.key) {
			made[e.key] = e.value.text
		}
	}
	v.Set(reflect.ValueOf(made))
}

// secret decodes a reference. What it says instead of one is never repeated: it may be the secret.
func (d *decoder) secret(n *node, v reflect.Value, key string) {
	if n.kind != table {
		d.problems.add(n.pos, key, `a secret isn't written into the configuration: use { credential = "NAME" }, { file = "/PATH" } or { env = "NAME" }`)
		return
	}
	before := len(*d.problems)
	d.table(n, v, key+".")
	if len(*d.problems) > before {
		return
	}
	if problem := v.Interface().(Secret).problem(); problem != "" {
		d.problems.add(n.pos, key, "%s", problem)
	}
}
