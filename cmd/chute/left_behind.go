package main

import (
	"path/filepath"
	"time"

	"chute/config"
	"chute/pipeline/ledger"
	"chute/watcher/control"
	"chute/watcher/status"
)

// leftBehind tells whether nobody is at a run that the ledger has as under way: a process that was killed leaves it as it was. A file from an inbox is the
// daemon's, which may be gone while another command has the state for a moment.
func leftBehind(chute *config.Chute, run ledger.Run) (bool, error) {
	if run.Status != ledger.Running && run.Status != ledger.Pausing && run.Status != ledger.Cancelling {
		return false, nil
	}
	owned, err := control.Owned(chute.State.Dir)
	if err != nil || !owned || byHand(run) || run.Kind == ledger.Export {
		return !owned, err
	}
	s, err := status.Read(filepath.Join(chute.State.Dir, status.Dir))
	if err != nil {
		return false, nil // it has told nothing yet
	}
	stale := time.Since(s.Daemon.Heartbeat) > time.Duration(s.Daemon.StaleAfter)*time.Second
	return !s.Daemon.Stopped.IsZero() || stale, nil
}
