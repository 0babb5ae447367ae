package chdb

import (
	"regexp"
	"strconv"

	"chute/connectors"
)

// The engine's error codes that this package acts on.
const (
	cannotOpenFile = 76
	wasCancelled   = 394
)

var (
	errorCode = regexp.MustCompile(`Code: (\d+)\. DB::`)
	errorName = regexp.MustCompile(`\(([A-Z][A-Z0-9_]{2,})\)`)
)

// parseError reads "Code: 60. DB::Exception: … (UNKNOWN_TABLE)". Errors nest: the first code is the outermost one, and
// its name comes last, after whatever the message quotes.
func parseError(text string) *connectors.DatabaseError {
	e := &connectors.DatabaseError{Message: text}
	if text == "" {
		e.Message = "the engine gave no reason"
	}
	if m := errorCode.FindStringSubmatch(text); m != nil {
		e.Code, _ = strconv.Atoi(m[1]) // digits only; a code beyond an int is no code
	}
	if all := errorName.FindAllStringSubmatch(text, -1); all != nil && e.Code != 0 {
		e.Name = all[len(all)-1][1]
	}
	return e
}
