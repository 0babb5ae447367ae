package main

import (
	"context"
	"fmt"
	"time"

	"chute/connectors/chdb"
	"chute/connectors/chdb/install"
	"chute/systemd"
	"chute/watcher/status"
)

// tell logs, once, that systemd couldn't be told something.
func (h *holdings) tell(err error) {
	if err != nil && !h.untold.Swap(true) {
		h.log.Warn().Err(err).Msg("systemd doesn't get to know how chute is doing, and may think that it hangs")
	}
}

// tellAlive feeds systemd's watchdog after a beat, whatever the beat found: a daemon that waits for a database, or for a person, doesn't hang. A loop that hangs comes to
// no end of a beat, so it isn't fed.
func (h *holdings) tellAlive(s status.Snapshot, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	} else {
		text = status.Sentence(s, status.Judge(s, time.Now()))
	}
	h.tell(systemd.Alive(text))
}

// engineLibrary finds the engine's library. A service takes only one that nobody but root can put there, and only the one that chute is tested with:
// whatever is in that file is run with chute's rights.
func engineLibrary(ctx context.Context, setting string) (string, error) {
	if !systemd.Service() {
		path, err := chdb.Find(setting)
		if err != nil {
			return "", &exit{exitConfig, err.Error()}
		}
		return path, nil
	}
	path, err := chdb.FindInstalled(setting)
	if err == nil {
		path, err = systemd.OnlyRoot(path)
	}
	const how = "run `chute engine install --dir /usr/local/lib/chute` as root"
	if err != nil {
		return "", &exit{exitConfig, fmt.Sprintf("a service can't use the engine library: %v; %s", err, how)}
	}
	right, err := install.Installer{}.Right(ctx, path)
	if err != nil {
		return "", err
	}
	if !right && install.Known() {
		return "", &exit{exitConfig, fmt.Sprintf("the engine library %s isn't libchdb %s: its hash is another one; %s", path, chdb.Version, how)}
	}
	return path, nil
}
