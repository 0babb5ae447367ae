package config

import (
	"math/big"

	"chute/connectors/native"
)

// rules judges the reading rules of a column that is loaded.
func (e entryChecker) rules(c *Column) {
	e.words(c)
	if c.OnError == "default" && c.Default == nil && !e.broken("default") {
		e.bad("on_error", `"default" needs a default to load instead`)
	}
	if c.MapMissing == "default" && c.Default == nil && !e.broken("default") {
		e.bad("map_missing", `"default" needs a default to load instead`)
	}
	if e.has("map_missing") && !e.has("map") {
		e.bad("map_missing", "says something about values that map lacks, but there is no map")
	}
	if _, blank := c.Map[""]; blank {
		e.bad("map", `a blank isn't mapped: give a default instead of ""`)
	}
	if c.Thousands != "" && c.Thousands == c.Decimal {
		e.bad("thousands", "must be another character than decimal, which is %q", string(c.Decimal))
	}
	if e.has("decimal") && c.Decimal == "" && !e.broken("decimal") {
		e.bad("decimal", `can't be empty; write for example decimal = ","`)
	}
	if e.has("max_length") && c.MaxLength < 1 && !e.broken("max_length") {
		e.bad("max_length", "must be at least 1")
	}
	least, ok1 := new(big.Rat).SetString(string(c.Min))
	greatest, ok2 := new(big.Rat).SetString(string(c.Max))
	if ok1 && ok2 && least.Cmp(greatest) > 0 {
		e.bad("max", "must be at least min, which is %s", c.Min)
	}
	if c.Constant != nil {
		for _, key := range []string{"on_error", "null"} {
			if e.has(key) {
				e.bad(key, "a constant is read before the first record: only one of both can be given")
			}
		}
	}
	e.rulesOfType(c)
}

// words judges true and false.
func (e entryChecker) words(c *Column) {
	if e.has("true") != e.has("false") {
		key, other := "true", "false"
		if !e.has(key) {
			key, other = other, key
		}
		e.bad(key, "needs %s as well: together they replace the usual words", other)
		return
	}
	seen := map[string]bool{}
	for _, list := range []struct {
		key   string
		words []string
	}{{"true", c.True}, {"false", c.False}} {
		if e.has(list.key) && len(list.words) == 0 && !e.broken(list.key) {
			e.bad(list.key, "must list a word at least")
		}
		for _, word := range list.words {
			switch {
			case word == "":
				e.bad(list.key, "an empty value is a blank and no word: give a default instead")
			case seen[word]:
				e.bad(list.key, "%q is there twice", word)
			}
			seen[word] = true
		}
	}
}

// What reading rules are for.
func isTime(k native.Kind) bool { return k >= native.Date && k <= native.DateTime64 }

func isWhole(k native.Kind) bool { return k >= native.Int8 && k <= native.UInt256 }

func isNumber(k native.Kind) bool {
	return isWhole(k) || k == native.BFloat16 || k == native.Float32 || k == native.Float64 || k == native.Decimal
}

func isOrdered(k native.Kind) bool {
	return isNumber(k) || isTime(k) || k == native.Time || k == native.Time64 || k == native.String || k == native.FixedString
}

// rulesOfType finds rules that the column's type has no use for. Where no type is given, the table's is compared when a file is read.
func (e entryChecker) rulesOfType(c *Column) {
	t, err := native.ParseType(c.Type)
	if c.Type == "" || err != nil {
		return
	}
	kind := t.Base().Kind
	for _, rule := range []struct {
		key, what string
		fits      bool
	}{
		{"format", "dates and times", isTime(kind)},
		{"timezone", "dates with times", kind == native.DateTime || kind == native.DateTime64},
		{"decimal", "numbers", isNumber(kind)},
		{"thousands", "numbers", isNumber(kind)},
		{"true", "Bool and whole numbers", kind == native.Bool || isWhole(kind)},
		{"min", "numbers, texts, dates and times", isOrdered(kind)},
		{"max", "numbers, texts, dates and times", isOrdered(kind)},
	} {
		if e.has(rule.key) && !rule.fits {
			e.bad(rule.key, "is for %s, and the column is %s", rule.what, t)
		}
	}
}
