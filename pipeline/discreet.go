package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/convert"
)

// hasSecrets tells whether a job has columns whose values aren't to be told. Reasons and warnings of single values are masked where they are
// made; here is what else might repeat one.
func hasSecrets(job *config.Job) bool {
	return slices.ContainsFunc(job.Columns, func(c config.Column) bool { return c.Secret })
}

// discreetHeader masks what stands where the header should be, but isn't a name that the job knows: in a file that was delivered without its
// header that is the first record. With more than half of the names that the job asks for it is a header, even if it was cut in the wrong places.
func discreetHeader(job *config.Job, header []string) []string {
	if !hasSecrets(job) || header == nil {
		return header
	}
	known, found := map[string]bool{}, map[string]bool{}
	for _, c := range job.Columns {
		if c.Position == 0 && c.Constant == nil {
			known[sourceOf(c)] = true
		}
	}
	for _, field := range header {
		for _, name := range append(strings.FieldsFunc(field, otherDelimiter), field) {
			if known[name] {
				found[name] = true
			}
		}
	}
	if 2*len(found) > len(known) {
		return header
	}
	shown := slices.Clone(header)
	for i, name := range shown {
		if !known[name] {
			shown[i] = convert.Masked
		}
	}
	return shown
}

func otherDelimiter(r rune) bool { return strings.ContainsRune(",;\t|", r) }

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
	if !hasSecrets(im.Job) || !errors.As(err, &said) || said.Message == "" || slices.Contains(quotesNothing, said.Code) {
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
