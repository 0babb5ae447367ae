package watcher

import (
	"github.com/rs/zerolog"

	"chute/config"
)

// changes are states to be logged. Of very many at once only the first are named.
type changes struct {
	named []change
	more  [Running + 1]int // counted by state
}

type change struct {
	name, job, reason string
	state             State
}

const changesNamed = 100

// add takes down that an entry has come into a state. taker is nil where no job wants it.
func (c *changes) add(state State, name string, taker *taker, reason string) {
	if len(c.named) == changesNamed {
		c.more[state]++
		return
	}
	change := change{name: name, state: state, reason: reason}
	if taker != nil {
		change.job = taker.name
	}
	c.named = append(c.named, change)
}

// take returns the changes and forgets them.
func (c *changes) take() changes {
	taken := *c
	*c = changes{}
	return taken
}

func (c *changes) log(log zerolog.Logger) {
	for _, change := range c.named {
		event := log.WithLevel(change.state.level()).Str("file", config.Shown(change.name)).Stringer("state", change.state)
		if change.job != "" {
			event.Str("job", change.job)
		}
		event.Msg(change.reason)
	}
	for state, n := range c.more {
		if n > 0 {
			log.WithLevel(State(state).level()).Stringer("state", State(state)).Int("files", n).Msg("and more files are in this state")
		}
	}
}
