//go:build race

package ledger

import "time"

// Under the race detector SQLite, which is Go too, takes ten times as long.
const (
	manyRuns    = 5_000
	listingTime = time.Second
)
