package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// temporaryNames are what programs call files that they are still writing: WinSCP, FileZilla, Cyberduck, rclone, rsync, lftp, browsers,
// Camel, ownCloud, office programs, editors. They are in lower case; names are compared without case.
var temporaryNames = []string{
	".*", // rsync's .NAME.XXXXXX, lftp's .in.NAME, ownCloud's .ocTransferId…, vim's .NAME.swp, and every other hidden file
	".in.*", ".octransferid*", "*.octransferid*",
	"*.filepart", "*.part", "*.partial", "*.tmp", "*.temp",
	"*.crdownload", "*.download", "*.opdownload",
	"*.writing", "*.uploading", "*.inprogress", "*.incomplete", "*.camellock",
	"~$*", "*.swp", "*.swx", "*~",
}

// temporary are temporaryNames taken apart.
var temporary = takeApart(temporaryNames)

// affixes are what a name begins with, ends with, or has in it.
type affixes struct{ prefixes, suffixes, middles []string }

// takeApart sorts globs that have stars at their ends only: every new name in an inbox is compared with all of them, and matching globs
// takes fifty times as long.
func takeApart(globs []string) (a affixes) {
	for _, glob := range globs {
		switch text := strings.Trim(glob, "*"); {
		case glob == "*"+text+"*":
			a.middles = append(a.middles, text)
		case glob == "*"+text:
			a.suffixes = append(a.suffixes, text)
		default:
			a.prefixes = append(a.prefixes, text)
		}
	}
	return a
}

// TemporaryName tells whether the name is one that uploading programs use until they are done. Such files are never taken; being
// renamed to another name makes them arrive.
func TemporaryName(name string) bool {
	name = strings.ToLower(name)
	for _, prefix := range temporary.prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	for _, suffix := range temporary.suffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	for _, middle := range temporary.middles {
		if strings.Contains(name, middle) {
			return true
		}
	}
	return false
}

// nameLimit leaves room for what chute appends to a name ("…rejects.jsonl" and a number) within the 255 bytes of file systems.
const nameLimit = 200

// SaneName says why a name that came from outside can't be used, or nil. Names needn't be UTF-8.
func SaneName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case name == "." || name == "..":
		return errors.New("the name means a folder")
	case len(name) > nameLimit:
		return fmt.Errorf("the name has %d bytes, more than %d", len(name), nameLimit)
	case strings.Contains(name, "/"):
		return errors.New("the name has a slash in it")
	}
	for i := 0; i < len(name); {
		r, width := utf8.DecodeRuneInString(name[i:])
		if unicode.IsControl(r) {
			return errors.New("the name has a control character in it")
		}
		i += width
	}
	return nil
}

// Matches tells whether a file of that name is the job's, and gives the variables for its patterns: the named captures of
// match_regexp, and name, stem and ext, which are always the file's own.
//
// A name that says .rejects before its extension matches as if it didn't: refused records can be put into the inbox again as
// they came back. They come back uncompressed, so a pattern that asks for .gz or .zst is satisfied as well.
func (j *Job) Matches(name string) (vars map[string]string, ok bool) {
	if !strings.Contains(name, rejectWord) { // as nearly every name; of very many the first look asks each job
		return j.matchesAs(name, name)
	}
	for _, candidate := range candidates(name) {
		if _, ok := j.matches(candidate); ok {
			return j.matchesAs(name, candidate)
		}
	}
	return nil, false
}

// matchesAs is Matches for a name that is to be compared as if it were candidate.
func (j *Job) matchesAs(name, candidate string) (vars map[string]string, ok bool) {
	if vars, ok = j.matches(candidate); !ok || j.Ignores(name) || j.Ignores(candidate) {
		return nil, false
	}
	vars["name"] = name
	vars["stem"], vars["ext"] = splitName(name)
	return vars, true
}

func (j *Job) matches(name string) (map[string]string, bool) {
	if !j.MatchRegexp.IsZero() {
		return j.MatchRegexp.Match(name)
	}
	if !j.Match.Match(name) {
		return nil, false
	}
	return make(map[string]string), true
}

// Ignores tells whether the job says of the name that it is never taken.
func (j *Job) Ignores(name string) bool {
	for _, glob := range j.IgnoreNames {
		if glob.Match(name) {
			return true
		}
	}
	return false
}

// candidates are the names to try for a file, the best first; the file's own name is the last, for jobs whose pattern
// asks for .rejects itself.
func candidates(name string) []string {
	stripped, ok := WithoutRejects(name)
	if !ok {
		return []string{name}
	}
	return []string{stripped, stripped + ".gz", stripped + ".zst", name}
}

// rejectMark stands before the extension of a file of refused records, with a number behind it where the plain name was taken.
var rejectMark = regexp.MustCompile(regexp.QuoteMeta(rejectWord) + `(-[0-9]+)*$`)

const rejectWord = ".rejects"

// WithoutRejects takes every .rejects out that stands before the extension; a compression's suffix isn't counted as one. It tells
// whether there was any: then the file holds refused records that came back.
func WithoutRejects(name string) (plain string, returned bool) {
	base, suffix := name, ""
	for _, compressed := range []string{".gz", ".zst"} {
		if strings.HasSuffix(base, compressed) {
			base, suffix = strings.TrimSuffix(base, compressed), compressed
			break
		}
	}
	stem, ext := splitName(base)
	if rejectMark.MatchString(ext) {
		stem, ext = base, ""
	}
	for {
		mark := rejectMark.FindStringIndex(stem)
		if mark == nil || mark[0] == 0 {
			return stem + ext + suffix, returned
		}
		stem, returned = stem[:mark[0]], true
	}
}

// splitName splits a name before its last dot; a dot at the beginning doesn't count.
func splitName(name string) (stem, ext string) {
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		return name[:dot], name[dot:]
	}
	return name, ""
}
