package systemd

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// signature begins the last line of a file that was installed. By it a file that nobody has changed is told from one that is somebody's own.
const signature = "# Written by chute install, which leaves this file alone once it is changed. "

// Signed is the file with that line.
func (f File) Signed() File {
	f.Text += sign(f.Text)
	return f
}

func sign(text string) string { return fmt.Sprintf("%s%x\n", signature, sha256.Sum256([]byte(text))) }

// Unchanged tells whether a text is as it was written, by this version or another.
func Unchanged(text string) bool {
	at := strings.LastIndex(text, signature)
	return at >= 0 && text[at:] == sign(text[:at])
}
