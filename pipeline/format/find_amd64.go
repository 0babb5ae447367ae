package format

// find fills n blocks from as many times 64 bytes of text, by instructions that every amd64 processor has and Go has no words for.
//
//go:noescape
func find(s *signs, text *byte, found *block, n int)

// find fills found; text has 64 bytes for each of its blocks.
func (s *signs) find(text []byte, found []block) {
	if len(found) > 0 && len(text) >= 64*len(found) {
		find(s, &text[0], &found[0], len(found))
	}
}
