package sftp

import (
	"bytes"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

// FuzzAnswers: whatever a server sends, the client is given the same of it in whatever pieces it comes, no more than was sent but for the head of a last refusal, and
// nothing that would be refused.
func FuzzAnswers(f *testing.F) {
	empty := "\x00\x00\x00\x09h\x00\x00\x00\x07\x00\x00\x00\x00"
	for _, sent := range []string{
		"\x00\x00\x00\x0dg\x00\x00\x00\x07\x00\x00\x00\x04text", "\x00\x00\x00\x09g\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x01f", strings.Repeat(empty, emptyListings+2),
		"\x00\x00\x00\x00", "\xff\xff\xff\xffg\x00\x00\x00\x07\x00\x00\x00\x00", empty[:6], "\x00\x00\x00\x0cg\x00\x00\x00\x07\x00\x00\x00\x00cu",
		"\x00\x00\x02\x11e\x00\x00\x00\x07\x00\x00\x00\x04\x00\x00\x02\x00" + strings.Repeat("no", 256) + "\x00\x00\x00\x00", "\x00\x00\x02\x11e\x00\x00\x00\x07\x00\x00" + strings.Repeat("no", 160),
	} {
		f.Add([]byte(sent))
	}
	given := func(t *testing.T, sent io.Reader) ([]byte, int64) {
		t.Helper()
		var moved atomic.Int64
		got, err := io.ReadAll(&answers{in: sent, moved: &moved, listings: &listings{}})
		if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
			t.Fatal(err)
		}
		return got, moved.Load()
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		got, moved := given(t, bytes.NewReader(sent))
		if len(got) > len(sent)+headSize || moved > int64(len(sent)) {
			t.Fatalf("%d bytes, %d of them files', out of %d", len(got), moved, len(sent))
		}
		if pieces, alike := given(t, iotest.OneByteReader(bytes.NewReader(sent))); !bytes.Equal(pieces, got) || alike != moved {
			t.Fatalf("in pieces %q with %d bytes of files, at once %q with %d", pieces, alike, got, moved)
		}
		if again, _ := given(t, bytes.NewReader(got)); !bytes.Equal(again, got) {
			t.Fatalf("%q would become %q", got, again)
		}
	})
}
