package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. It is written as a whole number with a unit, "256MiB" or "10MB", or as a plain TOML integer,
// which means bytes. Units are B; kB, MB, GB, TB (powers of 1000); KiB, MiB, GiB, TiB (powers of 1024).
type Size int64

// sizeUnits are in the order in which String looks for one that fits without a rest.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}, {"B", 1},
}

var errSize = errors.New(`not a size: write a whole number with one of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, as in "256MiB"`)

// UnmarshalText parses a size with its unit.
func (s *Size) UnmarshalText(text []byte) error {
	word := string(text)
	digits := len(word) - len(strings.TrimLeft(word, "0123456789"))
	number, err := strconv.ParseInt(word[:digits], 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s is too large for a size", word)
	}
	if err != nil {
		return errSize
	}
	unit := strings.TrimLeft(word[digits:], " ")
	if unit == "KB" {
		unit = "kB"
	}
	for _, u := range sizeUnits {
		if u.name != unit {
			continue
		}
		if number > math.MaxInt64/u.bytes {
			return fmt.Errorf("%s is too large for a size", word)
		}
		*s = Size(number * u.bytes)
		return nil
	}
	return errSize
}

// String prints the size in the largest unit that leaves no rest, so that UnmarshalText reads the same.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return "0B"
}

// Duration is a span of time, zero or more, as "500ms", "5s", "2m", "24h" or "1h30m".
type Duration time.Duration

// UnmarshalText parses a duration. A number without a unit is refused: nobody could tell seconds from minutes.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return errors.New(`not a duration: write a number with one of ms, s, m, h, as in "5s" or "1h30m"`)
	}
	if parsed < 0 {
		return errors.New("a duration can't be negative")
	}
	*d = Duration(parsed)
	return nil
}

// String prints the duration so that UnmarshalText reads the same, without zero minutes and seconds at its end.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Tolerance is how many of something are tolerated: "any", or a whole number of zero or more. The zero Tolerance tolerates none.
type Tolerance struct {
	Any bool
	N   int // meaningless when Any
}

// Exceeded tells whether n is more than is tolerated.
func (t Tolerance) Exceeded(n int64) bool { return !t.Any && n > int64(t.N) }

// UnmarshalText parses "any" or a number.
func (t *Tolerance) UnmarshalText(text []byte) error {
	if string(text) == "any" {
		*t = Tolerance{Any: true}
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 {
		return errors.New(`allowed are "any" and whole numbers from 0`)
	}
	*t = Tolerance{N: n}
	return nil
}

func (t Tolerance) String() string {
	if t.Any {
		return "any"
	}
	return strconv.Itoa(t.N)
}
