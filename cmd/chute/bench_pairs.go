package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// side is one of two ways that are compared. It returns how long it took and what it came to, which must be the same on both.
type side struct {
	name string
	run  func(ctx context.Context) (took time.Duration, result string, err error)
}

// compare runs both sides in turns, who begins changing, so that what the machine does meanwhile hits both, and prints ours divided by
// theirs. The first pair isn't counted: it fills the page cache and makes the engine's threads.
func (b *bench) compare(ctx context.Context, name string, pairs int, ours, theirs side) error {
	var ratios []float64
	for i := range pairs + 1 {
		mine, other, err := b.pair(ctx, ours, theirs, i%2 == 1)
		if err != nil {
			return err
		}
		if i == 0 {
			b.say("not counted: %s %.2f s, %s %.2f s", ours.name, mine, theirs.name, other)
			continue
		}
		b.say("pair %d: %s %.2f s, %s %.2f s", i, ours.name, mine, theirs.name, other)
		ratios = append(ratios, mine/other)
	}
	b.ratio(name, ratios)
	return nil
}

// pair returns the seconds of both sides.
func (b *bench) pair(ctx context.Context, ours, theirs side, turned bool) (mine, other float64, err error) {
	sides := []side{ours, theirs}
	if turned {
		slices.Reverse(sides)
	}
	took, results := map[string]float64{}, map[string]string{}
	for _, s := range sides {
		unix.Sync() // what was written before isn't this side's to wait for
		d, result, err := s.run(ctx)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", s.name, err)
		}
		took[s.name], results[s.name] = d.Seconds(), result
	}
	if results[ours.name] != results[theirs.name] {
		return 0, 0, fmt.Errorf("they differ: %s has %s, %s %s", ours.name, results[ours.name], theirs.name, results[theirs.name])
	}
	return took[ours.name], took[theirs.name], nil
}

// ratio prints the median, the smallest and the largest.
func (b *bench) ratio(name string, ratios []float64) {
	slices.Sort(ratios)
	fmt.Fprintf(b.out, "ratio %s %.3f %.3f %.3f\n", name, middle(ratios), ratios[0], ratios[len(ratios)-1])
}

// figure prints one line for programs.
func (b *bench) figure(unit, name string, figure float64) {
	fmt.Fprintf(b.out, "%s %s %.3f\n", unit, name, figure)
}

// middle is the median of sorted figures.
func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
