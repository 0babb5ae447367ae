//go:build !race

package watcher

// How many files the load tests have. These numbers are promised; with the race detector there are fewer.
const (
	liveFiles    = 12_500  // that come at once, with four events each
	waitingFiles = 100_000 // that nobody takes
)
