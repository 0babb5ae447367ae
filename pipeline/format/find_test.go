package format

import (
	"math/rand/v2"
	"testing"
)

// Both ways to find signs find what is there, wherever the text begins and whatever is in it.
func TestFind(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	text := make([]byte, 8*64)
	for range 2000 {
		few := []byte{byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()), '"', ',', '\n', 0, 0x80, 0xFF}
		for i := range text {
			if text[i] = byte(random.Uint32()); random.IntN(2) == 0 {
				text[i] = few[random.IntN(len(few))]
			}
		}
		quote, delimiter, end := few[0], few[1], few[random.IntN(len(few))]
		s := signs{repeated(quote), repeated(delimiter), repeated(end)}
		from, n := random.IntN(64), random.IntN(8)
		var quick, slow [8]block
		s.find(text[from:], quick[:n])
		s.findByWords(text[from:], slow[:n])
		var want [8]block
		for i, b := range text[from : from+64*n] {
			set := func(bits *uint64, sign byte) {
				if b == sign {
					*bits |= 1 << (i % 64)
				}
			}
			set(&want[i/64].quotes, quote)
			set(&want[i/64].delimiters, delimiter)
			set(&want[i/64].ends, end)
		}
		if quick != want || slow != want {
			t.Fatalf("signs %q %q %q in %q: %x by find, %x by words, want %x", quote, delimiter, end, text[from:from+64*n], quick, slow, want)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	s := signs{repeated('"'), repeated(','), repeated('\n')}
	text, found := make([]byte, 64*64), make([]block, 64)
	for name, find := range map[string]func([]byte, []block){"find": s.find, "by words": s.findByWords} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				find(text, found)
			}
		})
	}
}
