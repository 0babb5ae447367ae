package clickhouse

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"chute/connectors"
	"chute/connectors/connectortest"
	"chute/connectors/connectortest/wire"
)

// server is the one that the tests share; those that stop theirs start their own.
var server *connectortest.Server

func TestMain(m *testing.M) {
	wire.Serve()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chute-clickhouse-")
	if err == nil {
		defer os.RemoveAll(dir)
		server, err = connectortest.LaunchServer(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Close()
	code := m.Run()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "end of the server's log:\n%s\n", server.LogTail())
	}
	return code
}

// noLeaks checks that a test leaves no goroutine behind. The one that waits for the shared server was there before.
func noLeaks(t *testing.T) {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, ignore) })
}

func TestDatabase(t *testing.T) {
	noLeaks(t)
	connectortest.Database(t, func(*testing.T) connectors.Database {
		return Open(Config{Address: []string{server.Address}})
	})
}

// TestDatabaseFromAfar is the same with everything on that a server at a distance needs.
func TestDatabaseFromAfar(t *testing.T) {
	noLeaks(t)
	connectortest.Database(t, func(*testing.T) connectors.Database {
		return Open(Config{
			Address: []string{server.TLSAddress}, TLS: true, CAFile: server.CAFile, Compression: "always",
			Username: "chute", Password: connectortest.ServerPassword,
		})
	})
}
