//go:build race

package watcher

// How many files the load tests have. The race detector makes them slow; it needs their kind, not their number.
const (
	liveFiles    = 1_500  // that come at once, with four events each
	waitingFiles = 20_000 // that nobody takes
)
