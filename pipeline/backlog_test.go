package pipeline

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"chute/connectors/native"
)

// oneNumber is a block of one number and so many bytes.
func oneNumber(n, bytes int) *native.Block {
	data := make([]byte, bytes)
	binary.LittleEndian.PutUint64(data, uint64(n))
	return &native.Block{Columns: []native.Column{{Name: "n"}}, Rows: 1, Data: [][]byte{data}}
}

// TestBacklog: blocks are written in their order although the caller uses their memory again, and no more of them wait than may.
func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = ahead / 4
		var got []int
		gate := make(chan struct{})
		q := newBacklog(ahead)
		q.join(func(b *native.Block) error {
			<-gate
			got = append(got, int(binary.LittleEndian.Uint64(b.Data[0])))
			return nil
		})
		added := 0
		go func() {
			b := oneNumber(0, size)
			for n := range 10 {
				binary.LittleEndian.PutUint64(b.Data[0], uint64(n))
				if err := q.add(b); err != nil {
					t.Error(err)
				}
				added++
			}
			if err := q.add(oneNumber(10, 2*ahead)); err != nil { // larger than all there is room for: it goes alone
				t.Error(err)
			}
			added++
		}()
		for want := 4; want <= 10; want++ {
			synctest.Wait()
			if added != want {
				t.Fatalf("%d blocks were taken, not %d", added, want)
			}
			gate <- struct{}{}
		}
		close(gate)
		synctest.Wait()
		if err := q.drain(); err != nil {
			t.Error(err)
		}
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; !slices.Equal(got, want) {
			t.Errorf("written: %v", got)
		}
	})
}

// TestBacklogFails: after an error nothing more is written, and everybody hears of it.
func TestBacklogFails(t *testing.T) {
	broken := errors.New("broken")
	for name, last := range map[string]func(q *backlog) error{
		"drain": func(q *backlog) error { return q.drain() },
		"add": func(q *backlog) error {
			q.writers.Wait()
			defer q.drop()
			return q.add(oneNumber(2, 8))
		},
		"full": func(q *backlog) error {
			defer q.drop()
			if err := q.add(oneNumber(2, 2*ahead)); err != nil {
				return err
			}
			return q.add(oneNumber(3, 2*ahead)) // waits for room that never comes
		},
	} {
		written := 0
		q := newBacklog(ahead)
		q.join(func(*native.Block) error { written++; return broken })
		if err := q.add(oneNumber(1, 8)); err != nil {
			t.Fatal(err)
		}
		if err := last(q); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if written != 1 {
			t.Errorf("%s: %d blocks were written", name, written)
		}
	}
}

// TestBacklogDropped: what waits when the load is given up isn't written.
func TestBacklogDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		written, gate := 0, make(chan struct{})
		q := newBacklog(ahead)
		q.join(func(*native.Block) error { written++; <-gate; return nil })
		for n := range 3 {
			if err := q.add(oneNumber(n, 8)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // the first is being written
		go q.drop()
		synctest.Wait()
		close(gate)
		q.writers.Wait()
		if written != 1 {
			t.Errorf("%d blocks were written", written)
		}
	})
}
