package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"chute/config"
	"chute/connectors"
)

// quotesNothing are codes of the engine whose messages are about tables, rights and resources. All others may repeat a value, such as that which an expression of
// the table can't read.
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

// discreet takes what the engine says out of an error where it may repeat values of secret columns. What kind of error it is stays.
func (im *Importer) discreet(err error) error {
	var said *connectors.DatabaseError
	if !slices.ContainsFunc(im.Job.Columns, func(c config.Column) bool { return c.Secret }) || !errors.As(err, &said) ||
		said.Message == "" || slices.Contains(quotesNothing, said.Code) {
		return err
	}
	instead := strings.TrimSpace(fmt.Sprintf("code %d %s", said.Code, said.Name)) + "; the rest isn't told, for the job has secret columns"
	return &discreetError{err, strings.ReplaceAll(err.Error(), said.Message, instead)}
}

// discreetError is an error with another text.
type discreetError struct {
	error
	text string
}

func (e *discreetError) Error() string { return e.text }

func (e *discreetError) Unwrap() error { return e.error }
