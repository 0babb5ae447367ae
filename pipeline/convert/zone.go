package convert

import (
	"math"
	"sort"
	"sync"
	"time"
)

// zone is a time zone as a table, made once, so that a local time is looked up without the time package's work for each value, and so
// that times which don't exist or come twice are seen.
type zone struct{ spans []span }

// span is a time in which the clocks of a zone keep their distance from UTC.
type span struct {
	start, end int64 // UTC, end not included
	offset     int64 // seconds east of Greenwich
	from, till int64 // UTC, till not included: what the clocks show then they show in no other span
}

// The table's bounds are a little outside of what the types hold.
const (
	zonesFrom  = (firstDate32 - 400) * daySeconds
	zonesUntil = (lastDate32 + 400) * daySeconds
)

// zones remembers tables: making one takes half a millisecond, as long as a small file. A reloaded configuration brings new
// pointers, so what piles up is thrown away.
var zones struct {
	sync.Mutex
	made map[any]*zone
}

// zoneFor returns the table of a zone. key stands for it in memory: its pointer, or its name when it is loaded anew each time.
func zoneFor(key any, location *time.Location) *zone {
	zones.Lock()
	defer zones.Unlock()
	if z := zones.made[key]; z != nil {
		return z
	}
	if zones.made == nil || len(zones.made) >= 100 {
		zones.made = map[any]*zone{}
	}
	z := newZone(location)
	zones.made[key] = z
	return z
}

func newZone(location *time.Location) *zone {
	z := &zone{}
	for at := int64(zonesFrom); at < zonesUntil; {
		offset, until := spanAt(location, at)
		until = min(until, zonesUntil)
		if n := len(z.spans); n > 0 && z.spans[n-1].offset == offset {
			z.spans[n-1].end = until // only the name of the time changes
		} else {
			z.spans = append(z.spans, span{start: at, end: until, offset: offset})
		}
		at = until
	}
	for i := range z.spans {
		z.spans[i].from, z.spans[i].till = z.once(i)
	}
	return z
}

// spansNear is how many spans to each side may show the same times as one: no clock is further from UTC than a day, and spans as short as that hardly exist.
const spansNear = 3

// once returns the part of a span whose local times come in it alone. The first span goes back, and the last one on, for ever.
func (z *zone) once(i int) (from, till int64) {
	s := &z.spans[i]
	from, till = s.start, s.end
	if i == 0 {
		from = math.MinInt64
	}
	if i == len(z.spans)-1 {
		till = math.MaxInt64
	}
	for j := max(0, i-spansNear); j < i; j++ {
		from = max(from, z.spans[j].end+z.spans[j].offset-s.offset)
	}
	for j := i + 1; j < min(len(z.spans), i+spansNear+1); j++ {
		till = min(till, z.spans[j].start+z.spans[j].offset-s.offset)
	}
	return from, till
}

// spanAt returns the offset at an instant, and a later instant up to which it stays.
func spanAt(location *time.Location, at int64) (offset, until int64) {
	offsetAt := func(at int64) int64 {
		_, offset := time.Unix(at, 0).In(location).Zone()
		return int64(offset)
	}
	offset = offsetAt(at)
	_, end := time.Unix(at, 0).In(location).ZoneBounds()
	if end.IsZero() {
		return offset, zonesUntil
	}
	if end.Unix() > at {
		return offset, end.Unix()
	}
	// Around the turn of some years the time package gives an end that is already reached. Go on in steps that no change is in.
	step := int64(2 * 3600)
	for step > 1 && offsetAt(at+step-1) != offset {
		step /= 2
	}
	return offset, at + step
}

// find returns the index of the span that the instant is in, or of the nearest one.
func (z *zone) find(seconds int64) int {
	i := sort.Search(len(z.spans), func(i int) bool { return z.spans[i].end > seconds })
	return min(i, len(z.spans)-1)
}

// offset returns what the zone's clocks are ahead of UTC at an instant.
func (z *zone) offset(seconds int64) int64 { return z.spans[z.find(seconds)].offset }

// instant returns the only instant at which the zone's clocks show a local time, given in seconds as if it were UTC.
func (z *zone) instant(local int64) (seconds int64, code string) {
	if len(z.spans) == 1 {
		return local - z.spans[0].offset, ""
	}
	near := z.find(local)
	if s := &z.spans[near]; local > s.start+2*daySeconds && local < s.end-2*daySeconds {
		return local - s.offset, ""
	}
	found := false
	for i := max(0, near-spansNear); i < min(len(z.spans), near+spansNear+1); i++ {
		s := &z.spans[i]
		at := local - s.offset
		if (at < s.start && i > 0) || (at >= s.end && i < len(z.spans)-1) {
			continue
		}
		if found {
			return 0, AmbiguousTime
		}
		seconds, found = at, true
	}
	if !found {
		return 0, MissingTime
	}
	return seconds, ""
}
