package config

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Separator is one character that stands in numbers: between whole and fraction, or between groups of three digits. Empty: none.
type Separator string

// UnmarshalText checks it.
func (s *Separator) UnmarshalText(text []byte) error {
	r, width := utf8.DecodeRune(text)
	if len(text) > 0 && (width != len(text) || r == utf8.RuneError || unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("+-\r\n\x00", r)) {
		return errors.New("must be one character, and no digit, letter or sign")
	}
	*s = Separator(text)
	return nil
}

// Bound is the least or greatest value of a column, as text. Whole numbers and numbers may stand without quotes. Empty: none.
type Bound string

// UnmarshalText takes all but nothing.
func (b *Bound) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("must be a value: leave the key out where there is no bound")
	}
	*b = Bound(text)
	return nil
}

// Expression is the regular expression, nil for the zero Regexp.
func (r Regexp) Expression() *regexp.Regexp { return r.compiled }
