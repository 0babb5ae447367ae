//go:build !amd64

package format

// find fills found; text has 64 bytes for each of its blocks.
func (s *signs) find(text []byte, found []block) { s.findByWords(text, found) }
