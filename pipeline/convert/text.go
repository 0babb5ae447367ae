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

func toBool(text []byte) (uint64, string) {
	var lower [5]byte
	if len(text) > len(lower) {
		return 0, NotABool
	}
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	switch string(lower[:len(text)]) {
	case "1", "t", "true", "y", "yes":
		return 1, ""
	case "0", "f", "false", "n", "no":
		return 0, ""
	}
	return 0, NotABool
}

// enum returns the conversion from names. Numbers aren't taken: both engines would store one that has no name, and then can't read the column.
func enum(t *native.Type) conversion {
	numbers := make(map[string]int16, len(t.Enum))
	for _, v := range t.Enum {
		numbers[v.Name] = v.Value
	}
	width, _ := t.Width()
	return scalar(width, enumNames(t), func(text []byte) (uint64, string) {
		n, ok := numbers[string(text)]
		if !ok {
			return 0, NotInEnum
		}
		return uint64(n), ""
	})
}
