package config

import "time"

// Backoff is how long to wait after the attempts-th failure in a row: first, doubled each time, at most longest, then spread
// by ten percent up or down, so that what failed together doesn't come back together. chance is in [0, 1).
func Backoff(first, longest time.Duration, attempts int, chance float64) time.Duration {
	d := min(first, longest)
	for range attempts - 1 {
		if d >= longest/2 {
			d = longest
			break
		}
		d *= 2
	}
	return time.Duration(float64(d) * (0.9 + 0.2*chance))
}

// Pause is the Backoff of a job.
func (r Retry) Pause(attempts int, chance float64) time.Duration {
	return Backoff(time.Duration(r.First), time.Duration(r.Longest), attempts, chance)
}
