package convert

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"chute/connectors/native"
)

// bounds are a column's least and greatest value, as the layout has them, so that they are compared exactly.
type bounds struct {
	compare  func(a, b []byte) int // nil: there are no bounds
	min, max []byte                // nil: none on this side
}

func (c *column) compileBounds(base *native.Type) error {
	if c.Min == "" && c.Max == "" {
		return nil
	}
	compare := comparison(base)
	usual, err := forType(base, c.zoning())
	if err != nil {
		return err
	}
	read := func(what, text string) ([]byte, error) {
		if text == "" {
			return nil, nil
		}
		b, err := native.NewBuilder(base)
		if err != nil {
			return nil, err
		}
		if code := usual.append(b, []byte(text)); code != "" {
			plain := column{Column: Column{Type: base}, limits: usual.limits}
			return nil, fmt.Errorf("%s is refused: %s", what, plain.message(code, []byte(text)))
		}
		return bytes.Clone(b.Last()), nil
	}
	low, err := read("min", c.Min)
	if err != nil {
		return err
	}
	high, err := read("max", c.Max)
	if err != nil {
		return err
	}
	if low != nil && high != nil && compare(low, high) > 0 {
		return fmt.Errorf("min %s is more than max %s", c.Min, c.Max)
	}
	c.bounds = bounds{compare, low, high}
	return nil
}

// judge compares a value that was just appended.
func (b *bounds) judge(v []byte) (code string) {
	switch {
	case b.min != nil && b.compare(v, b.min) < 0:
		return BelowMin
	case b.max != nil && b.compare(v, b.max) > 0:
		return AboveMax
	}
	return ""
}

// comparison returns the order of a type's values in the layout, nil for types without one.
func comparison(t *native.Type) func(a, b []byte) int {
	switch k := t.Kind; {
	case k == native.String, k == native.FixedString:
		return bytes.Compare
	case k == native.BFloat16:
		return func(a, b []byte) int {
			return order(math.Float32frombits(uint32(binary.LittleEndian.Uint16(a))<<16), math.Float32frombits(uint32(binary.LittleEndian.Uint16(b))<<16))
		}
	case k == native.Float32:
		return func(a, b []byte) int {
			return order(math.Float32frombits(binary.LittleEndian.Uint32(a)), math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case k == native.Float64:
		return func(a, b []byte) int {
			return order(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case k >= native.UInt8 && k <= native.UInt256, k == native.Date, k == native.DateTime:
		return compareUnsigned
	case k >= native.Int8 && k <= native.Int256, k == native.Decimal, k == native.Date32, k == native.DateTime64, k == native.Time, k == native.Time64:
		return compareSigned
	}
	return nil
}

func order[T float32 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareUnsigned compares numbers of equal width, lowest byte first.
func compareUnsigned(a, b []byte) int {
	for i := len(a) - 1; i >= 0; i-- {
		if a[i] != b[i] {
			return int(a[i]) - int(b[i])
		}
	}
	return 0
}

// compareSigned is compareUnsigned for two's complements: there only the topmost byte has another order.
func compareSigned(a, b []byte) int {
	last := len(a) - 1
	if a[last] != b[last] {
		return int(int8(a[last])) - int(int8(b[last]))
	}
	return compareUnsigned(a[:last], b[:last])
}
