package convert

// Column is the next len(spans) values of column i as texts: spans tells where each begins and ends in text, and nulls, where the column can have NULL, which are
// none: what stands for those in text means nothing. All of it is valid until the next call for this column, and the block must be.
func (p *Printer) Column(i int, spans [][2]uint32) (text, nulls []byte) {
	c := &p.columns[i]
	if c.hidden != nil {
		for j := range spans {
			spans[j] = [2]uint32{0, uint32(len(c.hidden))}
		}
		return c.hidden, nil
	}
	if c.nulls != nil {
		nulls = c.nulls[c.row : c.row+len(spans)]
		c.row += len(spans)
	}
	if c.finish == nil {
		switch values := c.values.(type) {
		case *texts:
			if values.bare {
				return values.column(spans), nulls
			}
		case *fixed:
			if c.judged && nulls != nil {
				break // what stands for NULL isn't to be judged
			}
			c.text = values.column(c.text[:0], spans)
			return c.text, nulls
		}
	}
	c.text = c.text[:0]
	for j := range spans {
		from := len(c.text)
		if nulls != nil && nulls[j] != 0 {
			c.values.skip(1)
		} else if c.text = c.values.append(c.text); c.finish != nil {
			c.text = c.finish(c.text, from)
		}
		spans[j] = [2]uint32{uint32(from), uint32(len(c.text))}
	}
	return c.text, nulls
}

// column finds the next values, which are texts already.
func (s *texts) column(spans [][2]uint32) (text []byte) {
	text = s.data
	at := 0
	for i := range spans {
		n := int(text[at])
		if at++; n >= 0x80 {
			s.data = text[at-1:]
			n = len(s.next())
			at = len(text) - len(s.data) - n
		}
		spans[i] = [2]uint32{uint32(at), uint32(at + n)}
		at += n
	}
	s.data = text[at:]
	return text
}

// column appends the next values.
func (s *fixed) column(dst []byte, spans [][2]uint32) []byte {
	put, width, data := s.put, s.width, s.data
	for i := range spans {
		from := len(dst)
		dst = put(dst, data[:width:width])
		data = data[width:]
		spans[i] = [2]uint32{uint32(from), uint32(len(dst))}
	}
	s.data = data
	return dst
}
