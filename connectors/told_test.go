package connectors

import (
	"errors"
	"fmt"
	"testing"
)

// TestTold: what servers say isn't told where it may repeat a value, however the error is wrapped; the rest of the text stays.
func TestTold(t *testing.T) {
	unread := &DatabaseError{Code: 6, Name: "CANNOT_PARSE_TEXT", Message: "code 6: Cannot parse string 'hush' as UInt8"}
	unnamed := &DatabaseError{Message: "something about 'hush'"}
	table := &DatabaseError{Code: 60, Name: "UNKNOWN_TABLE", Message: "code 60: Table t doesn't exist"}
	for _, test := range []struct {
		err  error
		want string
	}{
		{unread, "the database's error 6 CANNOT_PARSE_TEXT (its text is in the log)"},
		{fmt.Errorf("query: server h: %w; %w", unread, table), "query: server h: the database's error 6 CANNOT_PARSE_TEXT (its text is in the log); code 60: Table t doesn't exist"},
		{errors.Join(errors.New("a"), fmt.Errorf("b: %w", unread), unnamed), "a\nb: the database's error 6 CANNOT_PARSE_TEXT (its text is in the log)\nthe database's error 0 (its text is in the log)"},
		{&DatabaseError{Code: 6}, ""},
		{errors.New("disk full"), "disk full"},
	} {
		if got := Told(test.err); got != test.want {
			t.Errorf("%q\nis told as %q\nwanted     %q", test.err, got, test.want)
		}
	}
}
