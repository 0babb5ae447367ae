package pipeline

import (
	"slices"
	"testing"

	"chute/config"
)

func TestDiscreetHeader(t *testing.T) {
	byName := []config.Column{{Name: "id"}, {Source: "Key", Name: "token", Secret: true}, {Constant: new(config.Pattern), Name: "day"}, {Source: "old", Ignore: true}}
	byPosition := []config.Column{{Position: 1, Name: "id", Secret: true}}
	open := []config.Column{{Name: "id"}, {Name: "token"}}
	for _, test := range []struct {
		columns       []config.Column
		header, shown []string
	}{
		{byName, []string{"id", "Key", "old", "new"}, []string{"id", "Key", "old", "new"}},
		{byName, []string{"id", "Key", "new"}, []string{"id", "Key", "new"}},
		{byName, []string{"id;Key;new"}, []string{"id;Key;new"}},
		{byName, []string{"id", "hunter2"}, []string{"id", "•••"}},
		{byName, []string{"17;hunter2;id"}, []string{"•••"}},
		{byName, []string{"17", "hunter2"}, []string{"•••", "•••"}},
		{byName, nil, nil},
		{byPosition, []string{"17", "x"}, []string{"•••", "•••"}},
		{open, []string{"17", "hunter2"}, []string{"17", "hunter2"}},
	} {
		given := slices.Clone(test.header)
		if got := discreetHeader(&config.Job{Columns: test.columns}, given); !slices.Equal(got, test.shown) || !slices.Equal(given, test.header) {
			t.Errorf("%q is shown as %q, wanted %q", test.header, got, test.shown)
		}
	}
}
