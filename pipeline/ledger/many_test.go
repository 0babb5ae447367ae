//go:build !race

package ledger

import "time"

const (
	manyRuns    = 50_000
	listingTime = 100 * time.Millisecond
)
