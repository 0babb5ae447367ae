package main

import (
	"context"
	"fmt"
	"os"

	"chute/config"
	"chute/connectors"
	"chute/connectors/chdb"
	"chute/connectors/clickhouse"
	"chute/pipeline"
)

// openDatabase chooses the engine. It connects to nothing yet.
func openDatabase(ctx context.Context, c *config.Chute) (connectors.Database, error) {
	if c.Database.Engine == "clickhouse" {
		return openServer(c)
	}
	library, err := engineLibrary(ctx, c.Database.Library)
	if err != nil {
		return nil, err
	}
	return &embedded{config: chdb.Config{Library: library, Path: c.Database.Path, Memory: int64(c.Limits.EngineMemory)}}, nil
}

func openServer(c *config.Chute) (connectors.Database, error) {
	password := ""
	if !c.Database.Password.IsZero() {
		var err error
		if password, err = c.Database.Password.Read(); err != nil {
			return nil, &exit{exitConfig, fmt.Sprintf("database.password: %v", err)}
		}
	}
	return serversOf(c, password), nil
}

func serversOf(c *config.Chute, password string) connectors.Database {
	return clickhouse.Open(clickhouse.Config{
		Address: c.Database.Address, Database: c.Database.Database, Username: c.Database.Username, Password: password,
		TLS: c.Database.TLS, CAFile: c.Database.CAFile, Compression: c.Database.Compression, MaxMemory: int64(c.Limits.EngineMemory),
	})
}

// markOf is what other chutes know by whether they have the same database. Nil, which tells nothing, where the machine has no name.
func markOf(c *config.Chute) *pipeline.DatabaseMark {
	host, err := os.Hostname()
	if err != nil {
		return nil
	}
	if c.Database.Engine == "clickhouse" {
		return &pipeline.DatabaseMark{Host: host, Address: c.Database.Address, Database: c.Database.Database}
	}
	return &pipeline.DatabaseMark{Host: host, Path: c.Database.Path}
}

// connections are how many a load may insert over. What a server takes for one, with the rows of a part in it, is not to be less than 256 MiB. The embedded
// engine is fed by one pipe.
func connections(c *config.Chute) int {
	if c.Database.Engine != "clickhouse" {
		return 1
	}
	return max(min(c.Database.Connections, int(c.Limits.EngineMemory>>28)), 1)
}
