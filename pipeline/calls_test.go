package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"chute/connectors"
	"chute/connectors/connectortest"
)

var everyCall = flag.Bool("every", false, "cut the power behind every change, and kill a run, or have it fail, at every one of its system calls, not at some; and with both engines where they take turns")

// importChild imports what waits. With Calls it hands its system calls that give or take names over to its parent, from "publishing" on.
func importChild(ctx context.Context, w World, im *Importer) error {
	im.Fault = func(effect string, before bool) error {
		if !before {
			sayEffect(effect)
		}
		if w.Calls && effect == "publishing" && !before {
			return connectortest.OfferCalls(connectortest.NameCalls...)
		}
		return nil
	}
	files, err := w.waiting(ctx, im)
	if err != nil {
		return err
	}
	sayEffect("begin")
	defer sayEffect("end")
	for _, v := range im.Import(ctx, files) {
		if v.Outcome != connectors.Done {
			return fmt.Errorf("%q: %v: %w", v.File.Name, v.Outcome, v.Err)
		}
	}
	return nil
}

// killAtCall imports what waits in a child that is killed before its n-th such call, and tells how many it made and whether it was killed.
func (w *world) killAtCall(n int) (made int, killed bool) {
	w.t.Helper()
	task := w.World
	task.Calls = true
	text, err := json.Marshal(task)
	if err != nil {
		w.t.Fatal(err)
	}
	c := exec.CommandContext(w.ctx, os.Args[0])
	c.Env = append(os.Environ(), childTask+"="+string(text))
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	made, ended, err := connectortest.KillAtCall(c, n)
	if err != nil || ended != nil && !connectortest.Killed(ended) {
		w.t.Fatalf("before call %d: %v, %v\n%s", n, err, ended, said.String())
	}
	return made, ended != nil
}

// The embedded engine is part of the process that is killed, and publishing is hundreds of renames and links to it. This kills a run between "publishing" and
// "settled" before each of them, whoever makes it; then the next process has the records in the table once, the file in its place and nothing left over.
func TestKilledAtCalls(t *testing.T) {
	if testing.Short() {
		return // each kill takes a second
	}
	const records = 200_000 // three blocks, so that each of the three partitions has three parts
	text := []byte("id,amount,note\n")
	for i := range records {
		text = fmt.Appendf(text, "%d,%d.50,n\n", i, i%7)
	}
	enter := func(t *testing.T) *world {
		w := newWorld(t, "chdb")
		w.EngineMemory = 32 << 20
		w.job(orders)
		w.drop("big.csv", string(text))
		return w
	}
	whole := 0
	t.Run("whole", func(t *testing.T) {
		w := enter(t)
		var killed bool
		if whole, killed = w.killAtCall(0); killed || whole < 100 {
			t.Fatalf("a run has %d calls (killed: %t)", whole, killed)
		}
		w.open()
		w.wantRows("SELECT partition, count() FROM system.parts WHERE level = 0 AND table = 't' GROUP BY partition ORDER BY partition", "0 3", "1 3", "2 3")
	})
	step := whole/2 + 1
	if *everyCall {
		step = 1
	}
	for n := 1 + step/2; n <= whole; n += step {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := enter(t)
			w.killAtCall(n) // one of the last may come too late: the engine clears away behind a run, sometimes before the process ends
			w.open()
			for _, v := range w.resumeAll() {
				if v.Outcome != connectors.Done {
					t.Errorf("%q: %v: %v", v.File.Name, v.Outcome, v.Err)
				}
			}
			w.wantSettled()
			w.wantRows("SELECT count(), uniqExact(id), sum(id), toInt64(sum(amount) * 10), uniqExact(_chute_run), uniqExact(_chute_record) FROM %t",
				fmt.Sprint(records, records, records*(records-1)/2, sumOfTenths(records), 1, records))
			w.wantFiles("done/big.csv", "done/big.csv.log", "done/big.csv.report.json")
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("killed before every %d. of %d system calls", step, whole)
}

func sumOfTenths(records int) (sum int) {
	for i := range records {
		sum += i%7*10 + 5
	}
	return sum
}
