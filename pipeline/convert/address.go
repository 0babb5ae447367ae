package convert

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"unsafe"

	"chute/connectors/native"
)

// toUUID takes 32 hexadecimal digits, with the four dashes of a UUID or with none.
func toUUID(b *native.Builder, text []byte) string {
	if len(text) != 36 && len(text) != 32 {
		return NotAUUID
	}
	var w [2]uint64 // the layout's words: the high half first
	at := 0
	for i, c := range text {
		if len(text) == 36 && (i == 8 || i == 13 || i == 18 || i == 23) {
			if c != '-' {
				return NotAUUID
			}
			continue
		}
		digit := hexDigit(c)
		if digit > 15 {
			return NotAUUID
		}
		w[at/16] = w[at/16]<<4 | uint64(digit)
		at++
	}
	b.AppendWords(w[:]...)
	return ""
}

// hexDigit returns the value of a hexadecimal digit, or more than 15.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func toIPv4(text []byte) (uint64, string) {
	addr, ok := parseAddress(text)
	if !ok || !addr.Is4() {
		return 0, NotAnIP
	}
	v := addr.As4()
	return uint64(binary.BigEndian.Uint32(v[:])), ""
}

func toIPv6(b *native.Builder, text []byte) string {
	addr, ok := parseAddress(text)
	if !ok {
		return NotAnIP
	}
	v := addr.As16()
	b.AppendWords(binary.LittleEndian.Uint64(v[:8]), binary.LittleEndian.Uint64(v[8:]))
	return ""
}

func parseAddress(text []byte) (netip.Addr, bool) {
	// A zone ("%eth0") means something on the sender's machine only. The longest address has 45 bytes.
	if len(text) > 45 || bytes.IndexByte(text, '%') >= 0 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(unsafe.String(unsafe.SliceData(text), len(text)))
	return addr, err == nil
}
