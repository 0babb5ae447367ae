package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/watcher/agenda"
)

// TestExportStatusHasNoValues: what the database says of a delivery that failed may repeat a value; more people read the status files than the log.
func TestExportStatusHasNoValues(t *testing.T) {
	said := &connectors.DatabaseError{Code: 6, Name: "CANNOT_PARSE_TEXT", Message: "Cannot parse string 'secretvalue' as UInt8"}
	seen := agenda.Activity{Job: "x", Problem: fmt.Errorf("select: %w", said), Until: time.Now().Add(time.Minute)}
	s := exportStatus(&config.Export{Name: "x", Enabled: true}, seen, ledger.Hold{}, nil)
	if s.State != "paused" || strings.Contains(s.Reason, "secretvalue") || !strings.Contains(s.Reason, "error 6 CANNOT_PARSE_TEXT") {
		t.Errorf("state %q, reason %q", s.State, s.Reason)
	}
}
