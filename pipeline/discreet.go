package pipeline

import (
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

// discreet takes what the engine says out of an error where it may repeat values of secret columns. What kind of error it is stays.
func (im *Importer) discreet(err error) error {
	if err == nil || !hasSecrets(im.Job) {
		return err
	}
	return &discreetError{err, connectors.Instead(err, "the rest isn't told, for the job has secret columns")}
}

// discreet does the same for every export: it may ask for any column of any table, also for those that an import keeps secret.
func (ex *Exporter) discreet(err error) error {
	if err == nil {
		return nil
	}
	return &discreetError{err, connectors.Instead(err, "its text may repeat values: chute export --preview and chute query show it to who asks the same")}
}

// discreetError is an error with another text.
type discreetError struct {
	error
	text string
}

func (e *discreetError) Error() string { return e.text }

func (e *discreetError) Unwrap() error { return e.error }
