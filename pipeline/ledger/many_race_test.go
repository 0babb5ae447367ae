//go:build race

package ledger

// manyRuns is smaller here: under the race detector SQLite, which is Go too, takes a minute to insert 200,000.
const manyRuns = 20_000
