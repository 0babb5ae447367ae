package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"strings"

	"chute/connectors"
	"chute/connectors/chdb"
	"chute/connectors/native"
)

// Serve makes this process the server if that is what it was started for, and then doesn't return.
func Serve() {
	address := os.Getenv(task)
	if address == "" {
		return
	}
	if err := serve(address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// engine is the server's side: the engine and what all connections share.
type engine struct {
	connectors.Session
	defaults map[string]string // settings of a statement that doesn't say otherwise
	faults   faults
}

func serve(address string) error {
	ctx := context.Background()
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	db, err := chdb.Open(ctx, chdb.Config{Path: "data", Users: os.Getenv(taskUsers)})
	if err != nil {
		return err
	}
	session, err := db.Session(ctx, "")
	if err != nil {
		return err
	}
	e := &engine{Session: session}
	if err := e.forget(ctx); err != nil {
		return err
	}
	go e.accept(ctx, l)
	return e.obey(os.Stdin, os.NewFile(3, "answers"))
}

// forget finds the settings that the embedded engine is used with and puts a server's defaults in their place.
func (e *engine) forget(ctx context.Context) error {
	e.defaults = map[string]string{"mutations_sync": "0"} // the library's own default is another
	return e.Query(ctx, connectors.Statement{SQL: "SELECT name, `default` FROM system.settings WHERE changed"}, func(b *native.Block) error {
		names, err := texts(b, 0)
		if err != nil {
			return err
		}
		values, err := texts(b, 1)
		for i, name := range names {
			// What blocks are written through a pipe with stays.
			if !strings.HasPrefix(name, "input_format_") && name != "storage_file_read_method" && name != "low_cardinality_allow_in_native_format" && name != "log_comment" {
				e.defaults[name] = values[i]
			}
		}
		return err
	})
}

// settings are a statement's: its own, and a server's defaults.
func (e *engine) settings(own map[string]string) map[string]string {
	all := maps.Clone(e.defaults)
	maps.Copy(all, own)
	return all
}

// texts returns a column of type String.
func texts(b *native.Block, column int) ([]string, error) {
	values, err := native.Values(b.Columns[column], b.Data[column], b.Rows)
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprint(v)
	}
	return list, err
}

func (e *engine) accept(ctx context.Context, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		go func() {
			defer conn.Close()
			if err := newLine(e, conn).serve(ctx); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
}

// obey answers the test's commands until it is gone.
func (e *engine) obey(commands io.Reader, answers io.Writer) error {
	in, out := json.NewDecoder(commands), json.NewEncoder(answers)
	for {
		var c command
		if err := in.Decode(&c); err != nil {
			return nil // the test has ended
		}
		if c.Arm != nil {
			e.faults.arm(*c.Arm)
		}
		if err := out.Encode(e.faults.over()); err != nil {
			return err
		}
	}
}
