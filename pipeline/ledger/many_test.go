//go:build !race

package ledger

const manyRuns = 200_000
