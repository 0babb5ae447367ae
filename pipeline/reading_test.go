package pipeline

import (
	"testing"

	"chute/config"
)

// Files of a batch share what follows from their header, unless it isn't all that matters: then each is read by an answer of its own.
func TestReadingIsShared(t *testing.T) {
	constant := config.Column{Name: "c", Constant: new(config.Pattern)}
	cases := []struct {
		name   string
		job    config.Job
		second []string
		shared bool
	}{
		{"same header", config.Job{}, []string{"a", "b"}, true},
		{"other order", config.Job{}, []string{"b", "a"}, false},
		{"one more", config.Job{}, []string{"a", "b", "x"}, false},
		{"no header", config.Job{}, nil, false},
		{"a constant", config.Job{Columns: []config.Column{{Source: "a", Name: "a"}, {Source: "b", Name: "b"}, constant}}, []string{"a", "b"}, false},
		{"the file's name", config.Job{Target: config.Target{FileColumn: "c"}}, []string{"a", "b"}, false},
		{"the run's time", config.Job{Target: config.Target{TimeColumn: "c"}}, []string{"a", "b"}, false},
	}
	for _, c := range cases {
		im, b := &Importer{Job: &c.job}, &batch{target: abc(t)}
		var read []*reading
		for _, header := range [][]string{{"a", "b"}, c.second} {
			how, err := im.reading(b, &item{}, header)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			read = append(read, how)
		}
		if shared := read[0] == read[1]; shared != c.shared {
			t.Errorf("%s: shared %v, want %v", c.name, shared, c.shared)
		}
		b.target = abc(t)
		if again, err := im.reading(b, &item{}, c.second); err != nil || again == read[1] {
			t.Errorf("%s: what was found out for one table is used for another (%v)", c.name, err)
		}
	}
}
