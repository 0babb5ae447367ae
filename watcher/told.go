package watcher

import (
	"errors"
	"fmt"
	"strings"

	"chute/connectors"
)

// Told is an error's text for status files, which more people read than the log: what the engine says may repeat values of records, so only the
// kind of its error is told.
func Told(err error) string {
	var said *connectors.DatabaseError
	if !errors.As(err, &said) || said.Message == "" {
		return err.Error()
	}
	instead := strings.TrimSpace(fmt.Sprintf("the database's error %d %s", said.Code, said.Name)) + " (the log has its text)"
	return strings.ReplaceAll(err.Error(), said.Message, instead)
}
