//go:build race

package pipeline

// detected is how many times as much memory a process takes under the race detector: five to ten times, as its manual says.
const detected = 10
