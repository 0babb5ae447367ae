package convert

import (
	"encoding/binary"
	"math"
)

// days remembers the texts of days: a column has few of them, again and again.
type days [512]struct {
	day  int32
	text [10]byte
}

// noDay is a day that no type can say.
const noDay = math.MinInt32

func newDays() *days {
	d := &days{}
	for i := range d {
		d[i].day = noDay
	}
	return d
}

// append writes a day, given as days since 1970-01-01.
func (d *days) append(dst []byte, day int64) []byte {
	known := &d[uint64(day)%uint64(len(d))]
	if int64(known.day) != day {
		text := appendDay(make([]byte, 0, 32), day)
		if len(text) != len(known.text) || day != int64(int32(day)) {
			return append(dst, text...)
		}
		known.day = int32(day)
		copy(known.text[:], text)
	}
	return append(dst, known.text[:]...)
}

// appendLocal writes a date and time of day, given in seconds as if it were UTC.
func (d *days) appendLocal(dst []byte, seconds int64) []byte {
	day, rest := seconds/daySeconds, seconds%daySeconds
	if rest < 0 {
		day, rest = day-1, rest+daySeconds
	}
	dst = append(d.append(dst, day), " 00:00:00"...)
	clock := dst[len(dst)-8:]
	two := binary.LittleEndian.PutUint16
	two(clock, hundred[uint32(rest)/3600])
	two(clock[3:], hundred[uint32(rest)/60%60])
	two(clock[6:], hundred[uint32(rest)%60])
	return dst
}
