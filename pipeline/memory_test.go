package pipeline

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/convert"
	"chute/pipeline/format"
)

// TestMemory loads files that are hard on it, each in a process of its own, into the server: its largest size so far, as the kernel knows it, stays within the
// setting, whatever the file.
func TestMemory(t *testing.T) {
	const memory = 160 << 20
	for name, c := range map[string]struct {
		write          func(w *bufio.Writer)
		records, wrong string
	}{
		"records of 10 MB": {func(w *bufio.Writer) {
			for i := range 8 {
				fmt.Fprintf(w, "%d,1.00,\"%s\"\n", i, strings.Repeat("ten bytes\n", 1<<20))
			}
		}, "8", "0"},
		"1,000,000 rejects": {func(w *bufio.Writer) {
			for i := range 1_000_000 {
				fmt.Fprintf(w, "%d,x,note\n", i)
			}
			w.WriteString("1,1.00,good\n")
		}, "1000001", "1000000"},
		"50 MB": {func(w *bufio.Writer) {
			for i := range 2_000_000 {
				w.Write(append(strconv.AppendInt(w.AvailableBuffer(), int64(i), 10), ",123.45,some note\n"...))
			}
		}, "2000000", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "clickhouse")
			w.job(strings.Replace(orders, "max_reject_percent = 50", "stop_if_first = 0", 1))
			f, err := os.Create(filepath.Join(w.Dir, "store/in/large.csv"))
			if err != nil {
				t.Fatal(err)
			}
			out := bufio.NewWriter(f)
			out.WriteString("id,amount,note\n")
			c.write(out)
			if err := errors.Join(out.Flush(), f.Close()); err != nil {
				t.Fatal(err)
			}
			got := w.measured(memory)
			if got.Records != c.records || got.Rejects != c.wrong {
				t.Errorf("%s records, %s of them refused; want %s and %s", got.Records, got.Rejects, c.records, c.wrong)
			}
			t.Logf("it took %d MiB of %d", got.Peak>>20, memory>>20)
			if got.Peak > memory*detected {
				t.Errorf("the process took %d MiB, the setting is %d", got.Peak>>20, memory>>20)
			}
		})
	}
}

// measure is what a child found out about itself.
type measure struct {
	Records, Rejects string
	Peak             int64
}

// measured imports in a child of limited memory.
func (w *world) measured(memory int64) (m measure) {
	w.t.Helper()
	task := w.World
	task.Memory = memory
	text, err := json.Marshal(task)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childTask+"="+string(text))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err != nil {
		w.t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	return m
}

// measureChild imports and prints a measure.
func measureChild(ctx context.Context, w World, im *Importer) error {
	im.Memory = LimitMemory(w.Memory, 1)
	files, err := w.waiting(ctx, im)
	if err != nil {
		return err
	}
	v := im.Import(ctx, files)[0]
	if v.Outcome != connectors.Done {
		return fmt.Errorf("the file is %v: %w", v.Outcome, v.Err)
	}
	run, err := im.Ledger.Run(ctx, v.Run)
	if err != nil {
		return err
	}
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(measure{Records: fmt.Sprint(run.Records), Rejects: fmt.Sprint(run.Rejects), Peak: peak})
}

// peakMemory is the largest resident size of this process so far, in bytes (proc(5), VmHWM).
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	_, err = fmt.Sscan(rest, &kib)
	return kib << 10, err
}

// TestMemoryOfManyColumns: what a portion's records become is handed on in parts when it is more than the portion's share, here 10,000 wide columns of fields
// without a value, and nothing of it gets lost.
func TestMemoryOfManyColumns(t *testing.T) {
	const columns, records, memory = 10_000, 300, 24 << 20
	p := &pump{run: 1, cores: 2, memory: memory}
	var all []convert.Column
	header := make([]string, columns)
	for i := range columns {
		header[i] = "c" + strconv.Itoa(i)
		typ, err := native.ParseType("Nullable(Int256)")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, convert.Column{Name: header[i], Label: header[i], Type: typ})
		p.fields = append(p.fields, i)
	}
	var err error
	if p.plan, err = convert.Compile(all); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(header, ",") + "\n" + strings.Repeat(strings.Repeat(",", columns-1)+"\n", records)
	r, err := format.NewReaderSize(strings.NewReader(text), config.Format{Header: true, Quote: `"`}, p.chunk())
	if err != nil {
		t.Fatal(err)
	}
	rows, parts := 0, 0
	err = p.pour(t.Context(), r, func(x *portion) error {
		size := 0
		for _, data := range x.block.Data {
			size += len(data)
		}
		if size > 2*p.most() {
			t.Errorf("a part of %d KiB, where there is room for %d", size>>10, p.most()>>10)
		}
		rows += x.block.Rows
		parts++
		return nil
	})
	if err != nil || rows != records || parts < 10 {
		t.Errorf("%d rows in %d parts, %v", rows, parts, err)
	}
}
