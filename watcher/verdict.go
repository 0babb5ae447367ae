package watcher

import (
	"errors"
	"io/fs"
	"slices"

	"chute/connectors"
)

// round is what one call of Handle or Resume came to.
type round struct {
	left     map[string]error     // files that stay in the inbox, by name, with the reason
	asked    []uint64             // runs that were gone on with
	resume   []uint64             // runs to go on with after the pause
	apart    []connectors.Verdict // of runs whose own files are the matter: others go on
	stuck    []connectors.Verdict
	finished int   // done and rejected
	cause    error // the first Later's; nil: no pause
}

var errNoVerdict = errors.New("no verdict was given: this is a fault in chute")

func (r *round) later(err error) {
	if r.cause == nil {
		r.cause = err
	}
}

// take takes down a Later with a run.
func (r *round) take(v connectors.Verdict) {
	switch {
	case v.Stuck:
		r.stuck = append(r.stuck, v)
		return
	case errors.Is(v.Err, connectors.ErrUnreadable):
		r.apart = append(r.apart, v)
		return
	}
	r.resume = append(r.resume, v.Run)
	r.later(reasonOf(v))
}

// together makes those that are put off by themselves hold up the others too.
func (r *round) together() {
	for _, v := range r.apart {
		r.resume = append(r.resume, v.Run)
		r.later(reasonOf(v))
	}
	r.apart = nil
}

// reasonOf is never nil: a Later without a reason is a Later all the same.
func reasonOf(v connectors.Verdict) error {
	if v.Err == nil {
		return errors.New("it was put off without a reason")
	}
	return v.Err
}

// judgeFiles reads the verdicts on files. Those without one stay in the inbox, with missing as the reason.
func judgeFiles(files []connectors.File, verdicts []connectors.Verdict, missing error) round {
	r := round{left: make(map[string]error)}
	for _, f := range files {
		i := slices.IndexFunc(verdicts, func(v connectors.Verdict) bool { return v.File.Name == f.Name })
		switch {
		case i < 0:
			r.left[f.Name] = missing
			r.later(missing)
		case verdicts[i].Outcome != connectors.Later:
			r.finished++
		case verdicts[i].Run != 0:
			r.take(verdicts[i])
		case errors.Is(verdicts[i].Err, fs.ErrNotExist): // somebody else was quicker; if it is there all the same, the next look sees it
		default:
			r.left[f.Name] = reasonOf(verdicts[i])
			r.later(reasonOf(verdicts[i]))
		}
	}
	return r
}

// judgeRuns reads the verdicts on runs, which come in the runs' order. Those without one are resumed again, with missing as the
// reason. A Later without a run has put its file back: the next look sees it.
func judgeRuns(runs []uint64, verdicts []connectors.Verdict, missing error) round {
	r := round{asked: runs}
	for i, run := range runs {
		switch {
		case i >= len(verdicts) || verdicts[i].Run != run && verdicts[i].Run != 0:
			r.take(connectors.Verdict{Run: run, Err: missing})
		case verdicts[i].Outcome != connectors.Later:
			r.finished++
		case verdicts[i].Run == 0:
			r.later(reasonOf(verdicts[i]))
		default:
			r.take(verdicts[i])
		}
	}
	return r
}
