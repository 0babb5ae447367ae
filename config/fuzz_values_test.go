package config

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"testing"
	"time"
)

// FuzzValues: a text that a value takes is printed so that it reads the same, and sizes and durations are what a slow reading of them says.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"256MiB", "10 GB", "8388608TiB", "1h30m", "1.5h", "9223372036854775807ns", "any", "100", "Europe/Paris", "`a\\`b`.\"c d\"", "sales.orders", ",", "\u202F", "-1.50", "0 6 * * Mon-Fri", "2026-01-31"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, into := range []encoding.TextUnmarshaler{new(Size), new(Duration), new(Tolerance), new(Zone), new(TableName), new(Schedule), new(Day)} {
			if into.UnmarshalText([]byte(s)) != nil {
				continue
			}
			again := reflect.New(reflect.TypeOf(into).Elem()).Interface().(encoding.TextUnmarshaler)
			if err := again.UnmarshalText([]byte(fmt.Sprint(into))); err != nil || fmt.Sprint(again) != fmt.Sprint(into) {
				t.Errorf("%T %q prints %q, which reads as %q, %v", into, s, into, again, err)
			}
		}
		var size Size
		if err := size.UnmarshalText([]byte(s)); (err == nil) != (slowSize(s) != nil) || err == nil && slowSize(s).Cmp(big.NewInt(int64(size))) != 0 {
			t.Errorf("size %q is %d, %v, not %s", s, size, err, slowSize(s))
		}
		var span Duration
		if want, err := time.ParseDuration(s); span.UnmarshalText([]byte(s)) == nil && (err != nil || want < 0 || time.Duration(span) != want) {
			t.Errorf("duration %q is %s", s, span)
		}
	})
}

var sizeText = regexp.MustCompile(`^(\d+) *(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)

// slowSize is nil for what isn't a size.
func slowSize(s string) *big.Int {
	m := sizeText.FindStringSubmatch(s)
	if m == nil {
		return nil
	}
	n, _ := new(big.Int).SetString(m[1], 10)
	base, power := big.NewInt(1000), map[byte]int64{'B': 0, 'k': 1, 'K': 1, 'M': 2, 'G': 3, 'T': 4}[m[2][0]]
	if len(m[2]) == 3 {
		base = big.NewInt(1024)
	}
	if n.Mul(n, new(big.Int).Exp(base, big.NewInt(power), nil)); !n.IsInt64() {
		return nil
	}
	return n
}

// FuzzSecret: a reference that is right is printed so that it reads the same.
func FuzzSecret(f *testing.F) {
	f.Add("password", "", "")
	f.Add("", "/etc/chute/\"it's\"\\\n", "")
	f.Add("a/b", "", "\x00")
	f.Fuzz(func(t *testing.T, credential, file, env string) {
		s := Secret{Credential: credential, File: file, Env: env}
		if s.problem() != "" {
			return
		}
		var problems Problems
		var c Chute
		decode(parse("fuzz", []byte("database.password = "+s.String()), &problems), &c, &problems)
		want := Secret{Credential: valid(credential), File: valid(file), Env: valid(env)}
		if len(problems) > 0 || c.Database.Password != want {
			t.Errorf("%#v is written %s and read as %#v: %v", s, s, c.Database.Password, problems)
		}
	})
}

// valid is a text as a file in UTF-8 can have it.
func valid(s string) string { return string([]rune(s)) }

// FuzzOverrides: --set takes one key each time, and never makes loading panic.
func FuzzOverrides(f *testing.F) {
	f.Add("format.delimiter=;", "column.id.type=UInt64")
	f.Add("match=*.csv", "errors.max_rejects=3")
	f.Add(`column."a b".map={x="y"}`, "kind = \"import\"\nstore=")
	f.Fuzz(func(t *testing.T, a, b string) {
		var problems Problems
		tree := overlay(&node{kind: table}, overrides([]string{a, b}, &problems))
		var job Job
		decode(tree, &job, &problems)
		(checker{tree, &problems}).job(&job)
		for _, p := range problems {
			if p.Message == "" || p.File != overrideFile && p.File != "" {
				t.Errorf("impossible problem %#v", p)
			}
		}
		if len(tree.entries) > 2 {
			t.Errorf("%q and %q make %d keys", a, b, len(tree.entries))
		}
	})
}
