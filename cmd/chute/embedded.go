package main

import (
	"context"
	"sync"

	"chute/connectors"
	"chute/connectors/chdb"
)

// embedded opens the embedded engine when it is first needed, and again as long as that fails: another process may have
// the data for a while, and a daemon that waits for it is better than one that isn't there.
type embedded struct {
	config chdb.Config

	mu     sync.Mutex
	engine *chdb.Database
}

func (e *embedded) Session(ctx context.Context, address string) (connectors.Session, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.engine == nil {
		engine, err := chdb.Open(ctx, e.config)
		if err != nil {
			return nil, err
		}
		e.engine = engine
	}
	return e.engine.Session(ctx, address)
}

func (e *embedded) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.engine == nil {
		return nil
	}
	return e.engine.Close()
}
