package config

import (
	"fmt"
	"strings"
)

// TimeFormat is how dates and times are written in a file, in strftime words. The whole text has to fit it, byte by byte:
//
//	%Y year, four digits         %y year, two digits: 69–99 are 1969–1999, 00–68 are 2000–2068
//	%m month, two digits         %b %h month as Jan, Feb …     %B month as January …
//	%d day, two digits           %e day, one digit or two, a blank may stand for the first
//	%j day of the year, three digits
//	%a %A weekday as Mon, Monday; it has to be the right one
//	%H hour 00–23   %I hour 01–12   %p AM or PM   %M minute   %S second   %f digits of the second's fraction
//	%z distance from UTC: Z, +01, +0100 or +01:00             %Z UTC, GMT or Z
//	%s seconds since 1970-01-01 00:00:00 UTC
//	%F %Y-%m-%d   %T %H:%M:%S   %R %H:%M   %D %m/%d/%y   %% a percent sign
//
// %-m, %-d, %-H, %-I, %-M and %-S take one digit as well as two. Names are English, in small or capital letters. The zero TimeFormat is none.
type TimeFormat struct {
	text  string
	words []TimeWord
}

// TimeWord is a piece of a TimeFormat: one word, or a text that has to stand there.
type TimeWord struct {
	Letter  byte   // of the word, as 'Y'; 0: Literal
	Loose   bool   // one digit will do
	Literal string // only with Letter 0
}

// Words returns the pieces in order. They mustn't be changed.
func (f TimeFormat) Words() []TimeWord { return f.words }

// IsZero tells whether there is no format.
func (f TimeFormat) IsZero() bool { return f.text == "" }

func (f TimeFormat) String() string { return f.text }

// Has tells whether one of the words is there; letters are as 'H'.
func (f TimeFormat) Has(letters string) bool {
	for _, w := range f.words {
		if w.Letter != 0 && strings.IndexByte(letters, w.Letter) >= 0 {
			return true
		}
	}
	return false
}

const (
	timeLetters  = "YymdejbBaAHIMSfpzZs"
	looseLetters = "mdHIMS"
)

// shortTimeWords stand for several others.
var shortTimeWords = map[byte]string{'F': "%Y-%m-%d", 'T': "%H:%M:%S", 'R': "%H:%M", 'D': "%m/%d/%y", 'h': "%b"}

// UnmarshalText parses and checks a format.
func (f *TimeFormat) UnmarshalText(text []byte) error {
	*f = TimeFormat{}
	made := TimeFormat{text: string(text)}
	if err := made.parse(string(text)); err != nil {
		return err
	}
	if err := made.check(); err != nil {
		return err
	}
	*f = made
	return nil
}

func (f *TimeFormat) parse(s string) error {
	for s != "" {
		if s[0] != '%' {
			f.literal(s[:1])
			s = s[1:]
			continue
		}
		word := s[:min(2, len(s))]
		loose := word == "%-"
		if loose {
			word = s[:min(3, len(s))]
		}
		s = s[len(word):]
		letter := word[len(word)-1]
		short, isShort := shortTimeWords[letter]
		switch {
		case word == "%%":
			f.literal("%")
		case !loose && len(word) == 2 && isShort:
			if err := f.parse(short); err != nil {
				return err
			}
		case len(word) == 2 && strings.IndexByte(timeLetters, letter) >= 0, loose && len(word) == 3 && strings.IndexByte(looseLetters, letter) >= 0:
			f.words = append(f.words, TimeWord{Letter: letter, Loose: loose})
		default:
			return fmt.Errorf("%s is not a word of a date or time; there are %%Y %%y %%m %%d %%e %%j %%b %%B %%a %%A %%H %%I %%p %%M %%S %%f %%z %%Z %%s %%F %%T %%R %%D %%%% and %%-m, %%-d, %%-H, %%-I, %%-M, %%-S", word)
		}
	}
	return nil
}

func (f *TimeFormat) literal(s string) {
	if n := len(f.words); n > 0 && f.words[n-1].Letter == 0 {
		f.words[n-1].Literal += s
		return
	}
	f.words = append(f.words, TimeWord{Literal: s})
}

// exclusive are words of which a format has one at most: they say the same.
var exclusive = []string{"Yys", "mbBjs", "dejs", "aA", "HIs", "Ms", "Ss", "f", "p", "zZs"}

// check finds formats that say too little or the same twice.
func (f *TimeFormat) check() error {
	for _, letters := range exclusive {
		var found []string
		for _, w := range f.words {
			if w.Letter != 0 && strings.IndexByte(letters, w.Letter) >= 0 {
				found = append(found, "%"+string(w.Letter))
			}
		}
		if len(found) > 1 {
			return fmt.Errorf("%s and %s say the same: only one of them can be there", found[0], found[1])
		}
	}
	if err := f.checkParts(); err != nil {
		return err
	}
	for i, w := range f.words {
		if i+1 < len(f.words) && (w.Loose || w.Letter == 'e' || w.Letter == 'f' || w.Letter == 's') && f.words[i+1].beginsWithDigit() {
			return fmt.Errorf("behind %%%s%c there must be something that isn't a digit, to tell where it ends", map[bool]string{true: "-"}[w.Loose], w.Letter)
		}
	}
	return nil
}

func (f *TimeFormat) checkParts() error {
	needs := func(have, want, name string) error {
		if f.Has(have) && !f.Has(want) {
			return fmt.Errorf("%%%c needs %s", have[0], name)
		}
		return nil
	}
	switch {
	case f.Has("s"):
	case !f.Has("Yy"):
		return fmt.Errorf("the year is missing: %%Y or %%y")
	case !f.Has("j") && (!f.Has("mbB") || !f.Has("de")):
		return fmt.Errorf("month or day is missing: %%m and %%d, or %%j")
	}
	for _, rule := range [][3]string{{"I", "p", "%p"}, {"p", "I", "%I"}, {"M", "HI", "the hour"}, {"S", "M", "%M"}, {"f", "Ss", "%S"}, {"z", "HI", "the hour"}, {"Z", "HI", "the hour"}} {
		if err := needs(rule[0], rule[1], rule[2]); err != nil {
			return err
		}
	}
	return nil
}

func (w TimeWord) beginsWithDigit() bool {
	if w.Letter == 0 {
		return w.Literal[0] >= '0' && w.Literal[0] <= '9'
	}
	return strings.IndexByte("YymdejHIMSfs", w.Letter) >= 0
}
