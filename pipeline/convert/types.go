package convert

import (
	"fmt"
	"strings"

	"chute/connectors/native"
)

// forType returns the conversion to a type and, for messages, what the type holds.
func forType(t *native.Type, local zoning) (appender, string, error) {
	switch t.Kind {
	case native.Int8, native.Int16, native.Int32, native.Int64, native.Int128, native.Int256,
		native.UInt8, native.UInt16, native.UInt32, native.UInt64, native.UInt128, native.UInt256:
		convert, limits := integer(t)
		return convert, limits, nil
	case native.BFloat16:
		return toBFloat16, "up to about 3.39e38, not closer to zero than 9.2e-41", nil
	case native.Float32:
		return toFloat32, "up to about 3.4e38, not closer to zero than 1.4e-45", nil
	case native.Float64:
		return toFloat64, "up to about 1.8e308, not closer to zero than 4.9e-324", nil
	case native.Decimal:
		return decimal(t.Precision, t.Scale), fmt.Sprintf("up to %d digits before the point", t.Precision-t.Scale), nil
	case native.String:
		return toString, "", nil
	case native.FixedString:
		return fixedString(t.Size), "", nil
	case native.Bool:
		return toBool, "", nil
	case native.Date:
		return toDate, "1970-01-01 to 2149-06-06", nil
	case native.Date32:
		return toDate32, "1900-01-01 to 2299-12-31", nil
	case native.DateTime, native.DateTime64:
		return forTime(t, local)
	case native.Time, native.Time64:
		return clockTime(t), clockLimits, nil
	case native.UUID:
		return toUUID, "", nil
	case native.IPv4:
		return toIPv4, "", nil
	case native.IPv6:
		return toIPv6, "", nil
	case native.Enum8, native.Enum16:
		return enum(t), enumNames(t), nil
	}
	return nil, "", fmt.Errorf("text can't be converted to this type")
}

func (c *column) isInteger() bool {
	switch c.Type.Base().Kind {
	case native.BFloat16, native.Float32, native.Float64, native.Decimal:
		return false
	}
	return true
}

// enumNames lists the names for a message, cut when there are many.
func enumNames(t *native.Type) string {
	var names []string
	for i, v := range t.Enum {
		if i == 10 {
			names = append(names, fmt.Sprintf("… (%d in all)", len(t.Enum)))
			break
		}
		names = append(names, show([]byte(v.Name)))
	}
	return strings.Join(names, ", ")
}
