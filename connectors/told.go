package connectors

import (
	"fmt"
	"slices"
	"strings"
)

// quotesNothing are codes of ClickHouse whose messages are about tables, rights and resources. All others may repeat a value, such as that which an
// expression of the table can't read.
var quotesNothing = []int{
	60,  // unknown table
	81,  // unknown database
	159, // timeout exceeded
	202, // too many simultaneous queries
	209, // socket timeout
	210, // network error
	236, // aborted
	241, // memory limit exceeded
	243, // not enough space
	252, // too many parts
	394, // query was cancelled
	497, // access denied
	516, // authentication failed
}

// Told is an error's text for the ledger, status files and commands, which more people read than the log: of what the server said, where that may repeat
// values of records, only the kind.
func Told(err error) string { return Instead(err, "its text is in the log") }

// Instead is an error's text with the code of what the server said, and more, in the place of all that may repeat values of records.
func Instead(err error, more string) string {
	text := err.Error()
	for _, said := range answers(err, nil) {
		if said.Message != "" && !slices.Contains(quotesNothing, said.Code) {
			kind := strings.TrimSpace(fmt.Sprintf("the database's error %d %s", said.Code, said.Name))
			text = strings.ReplaceAll(text, said.Message, kind+" ("+more+")")
		}
	}
	return text
}

// answers collects all that servers said in an error, for several may be joined.
func answers(err error, found []*DatabaseError) []*DatabaseError {
	switch e := err.(type) {
	case *DatabaseError:
		return append(found, e)
	case interface{ Unwrap() error }:
		return answers(e.Unwrap(), found)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			found = answers(one, found)
		}
	}
	return found
}
