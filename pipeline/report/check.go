package report

import (
	"errors"
	"fmt"
)

// Check proves that the counts add up and fit the result. All that is wrong is in the error.
func (p *Partner) Check() error {
	return errors.Join(p.Counts.check(), p.checkSums(), p.checkResult())
}

// equal returns an error unless both sides are the same number.
func equal(left string, a uint64, right string, b uint64) error {
	if a == b {
		return nil
	}
	return fmt.Errorf("counts of the report don't add up: %s = %d, but %s = %d", left, a, right, b)
}

// atMost returns an error when the first is the larger number.
func atMost(left string, a uint64, right string, b uint64) error {
	if a <= b {
		return nil
	}
	return fmt.Errorf("counts of the report don't fit: %s = %d is more than %s = %d", left, a, right, b)
}

func (c Counts) check() error {
	return errors.Join(
		equal("total", c.Total, "empty + processed", c.Empty+c.Processed),
		equal("processed", c.Processed, "success + rejects + skipped", c.Success+c.Rejects+c.Skipped),
		equal("success", c.Success, "inserted + updated + deleted + unchanged", c.Inserted+c.Updated+c.Deleted+c.Unchanged),
		atMost("doubles", c.Doubles, "processed", c.Processed),
		atMost("duplicates", c.Duplicates, "processed", c.Processed),
		atMost("rejects", c.Rejects, "errors", c.Errors), // each refused record has a reason at least
	)
}

// checkSums compares the counts with what the lists say.
func (p *Partner) checkSums() error {
	var reasons, warnings uint64
	for _, r := range p.Reasons {
		reasons += r.Count
	}
	for _, w := range p.Warnings {
		warnings += w.Count
	}
	var err error
	if p.Counts.Rejects == 0 && p.Counts.Errors > 0 {
		err = fmt.Errorf("counts of the report don't fit: %d errors, but no rejects", p.Counts.Errors)
	}
	return errors.Join(err,
		equal("errors", p.Counts.Errors, "sum of the reasons", reasons),
		equal("warnings", p.Counts.Warnings, "sum of the warnings", warnings),
		atMost("examples", uint64(len(p.Examples)), "errors", p.Counts.Errors))
}

func (p *Partner) checkResult() error {
	wrong := func(what string) error { return fmt.Errorf("a report of a file that is %s %s", p.Result, what) }
	switch {
	case (p.Rejection != nil) != (p.Result == Rejected):
		return wrong(map[bool]string{true: "has a rejection", false: "lacks its rejection"}[p.Rejection != nil])
	case (p.SameAs != nil) != (p.Result == Skipped):
		return wrong(map[bool]string{true: "names another run", false: "doesn't name the run that loaded it"}[p.SameAs != nil])
	case p.Result == Loaded && p.Counts.Rejects > 0, p.Result == LoadedWithRejects && p.Counts.Rejects == 0:
		return wrong("has " + number(p.Counts.Rejects, "reject"))
	case (p.Result == Rejected || p.Result == Skipped) && p.Counts.Success > 0:
		return wrong("has " + number(p.Counts.Success, "loaded record"))
	case p.Result == Loaded, p.Result == LoadedWithRejects, p.Result == Rejected, p.Result == Skipped:
		return nil
	}
	return fmt.Errorf("a report with the unknown result %q", p.Result)
}
