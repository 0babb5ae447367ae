//go:build !race

package pipeline

const detected = 1
