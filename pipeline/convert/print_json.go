package convert

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// appendJSONString writes a JSON string. A byte that isn't UTF-8 becomes four characters like \xe9, since JSON has no way to say it.
func appendJSONString(dst, value []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(value); {
		c := value[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(value[i:])
			if (r != utf8.RuneError || n > 1) && r != '\u2028' && r != '\u2029' {
				i += n
				continue
			}
			size = n
		}
		dst = append(dst, value[start:i]...)
		dst = appendJSONEscape(dst, value[i:i+size])
		i += size
		start = i
	}
	return append(append(dst, value[start:]...), '"')
}

// appendJSONEscape writes a character that can't stand in a JSON string, or mustn't in JavaScript, or a byte that is no character.
func appendJSONEscape(dst, char []byte) []byte {
	switch c := char[0]; c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\t':
		return append(dst, '\\', 't')
	case '\n':
		return append(dst, '\\', 'n')
	case '\f':
		return append(dst, '\\', 'f')
	case '\r':
		return append(dst, '\\', 'r')
	}
	if char[0] < utf8.RuneSelf {
		return append(dst, '\\', 'u', '0', '0', hexDigits[char[0]>>4], hexDigits[char[0]&15])
	}
	if len(char) == 1 {
		return append(dst, '\\', '\\', 'x', hexDigits[char[0]>>4], hexDigits[char[0]&15])
	}
	return append(dst, '\\', 'u', '2', '0', '2', '0'+char[2]&15) // the separators U+2028 and U+2029
}
