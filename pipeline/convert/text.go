package convert

import (
	"chute/connectors/native"
)

func toString(b *native.Builder, text []byte) string {
	b.AppendBytes(text)
	return ""
}

func fixedString(size int) appender {
	return func(b *native.Builder, text []byte) string {
		if len(text) > size {
			return TooLong
		}
		b.AppendBytes(text)
		return ""
	}
}

func toBool(b *native.Builder, text []byte) string {
	var lower [5]byte
	if len(text) > len(lower) {
		return NotABool
	}
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	switch string(lower[:len(text)]) {
	case "1", "t", "true", "y", "yes":
		b.AppendUint8(1)
	case "0", "f", "false", "n", "no":
		b.AppendUint8(0)
	default:
		return NotABool
	}
	return ""
}

// enum returns the conversion from names. Numbers aren't taken: both engines would store one that has no name, and then can't read the column.
func enum(t *native.Type) appender {
	numbers := make(map[string]int16, len(t.Enum))
	for _, v := range t.Enum {
		numbers[v.Name] = v.Value
	}
	wide := t.Kind == native.Enum16
	return func(b *native.Builder, text []byte) string {
		n, ok := numbers[string(text)]
		switch {
		case !ok:
			return NotInEnum
		case wide:
			b.AppendUint16(uint16(n))
		default:
			b.AppendUint8(uint8(n))
		}
		return ""
	}
}
