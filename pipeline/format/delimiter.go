package format

import (
	"bytes"
	"slices"
)

// delimiters are what stands between fields. Most files have one of one byte, and everything is made to be quick for that.
type delimiters struct {
	all    [][]byte  // the longest first
	only   []byte    // the only one; nil when there are several
	single bool      // all have one byte
	first  [256]bool // begins one
}

func newDelimiters(all [][]byte) delimiters {
	slices.SortStableFunc(all, func(a, b []byte) int { return len(b) - len(a) })
	d := delimiters{all: all, single: len(all[0]) == 1}
	if len(all) == 1 {
		d.only = all[0]
	}
	for _, one := range all {
		d.first[one[0]] = true
	}
	return d
}

// have tells whether a byte is part of a delimiter.
func (d *delimiters) have(b byte) bool {
	return slices.ContainsFunc(d.all, func(one []byte) bool { return bytes.IndexByte(one, b) >= 0 })
}

// delimiterAt returns the length of the delimiter that b begins with, 0 for none.
func (d *delimiters) delimiterAt(b []byte) int {
	switch {
	case len(b) == 0 || !d.first[b[0]]:
		return 0
	case d.single:
		return 1
	}
	return d.longerAt(b)
}

func (d *delimiters) longerAt(b []byte) int {
	for _, one := range d.all {
		if bytes.HasPrefix(b, one) {
			return len(one)
		}
	}
	return 0
}

// begun tells whether b may be the beginning of a delimiter, perhaps of a longer one than b begins with.
func (d *delimiters) begun(b []byte) bool {
	if len(b) == 0 || !d.first[b[0]] || d.single {
		return false
	}
	return slices.ContainsFunc(d.all, func(one []byte) bool { return len(one) > len(b) && bytes.HasPrefix(one, b) })
}

// nextDelimiter returns the position and length of the first delimiter in b, -1 for none.
func (d *delimiters) nextDelimiter(b []byte) (at, length int) {
	if d.only != nil {
		return bytes.Index(b, d.only), len(d.only)
	}
	return d.nextOfSeveral(b)
}

func (d *delimiters) nextOfSeveral(b []byte) (at, length int) {
	for i, c := range b {
		if d.first[c] {
			if n := d.delimiterAt(b[i:]); n > 0 {
				return i, n
			}
		}
	}
	return -1, 0
}
