package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"chute/config"
	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// Breaker keeps a job from taking files when what comes in is no good: better ten files that wait than ten thousand to be delivered again.
// It decides by what the ledger knows of the job's last files, so that a crash right after the last of them changes nothing.
type Breaker struct {
	Job    *config.Job
	Ledger *ledger.Ledger
	Log    zerolog.Logger
}

// Held returns why no file of the job may be taken now, or nil. It holds the job, and says so once, when it is time for that.
func (b *Breaker) Held(ctx context.Context) error {
	hold, err := b.Ledger.HoldOf(ctx, b.Job.Name)
	if err != nil {
		return err
	}
	if !hold.Held() {
		reason, err := b.reason(ctx, hold.After)
		if err != nil || reason == "" {
			return err
		}
		hold.Since, hold.Reason = time.Now(), reason
		fresh, err := b.Ledger.Hold(ctx, b.Job.Name, reason, hold.Since)
		if err != nil {
			return err
		}
		if fresh {
			b.Log.Warn().Str("job", b.Job.Name).Str("reason", reason).Msg("the job is held: its files wait in the inbox until it is released")
		}
	}
	return fmt.Errorf("the job is held since %s: %s; `chute release %s` lets it go on", hold.Since.UTC().Format(time.RFC3339), hold.Reason, b.Job.Name)
}

// Handle has the files handled and looks at what became of them at once: a hold is said when it begins, not when the next file comes. An error
// isn't lost, for Held is asked again before the next file is taken.
func (b *Breaker) Handle(handle func(context.Context, []connectors.File) []connectors.Verdict) func(context.Context, []connectors.File) []connectors.Verdict {
	return func(ctx context.Context, files []connectors.File) []connectors.Verdict {
		verdicts := handle(ctx, files)
		_ = b.Held(ctx)
		return verdicts
	}
}

// reason tells why the job is to be held, by its runs behind the one that it was released at; "" for no reason.
func (b *Breaker) reason(ctx context.Context, after uint64) (string, error) {
	job := b.Job
	if job.HoldAfter == 0 && !job.HoldHeader && !job.Strict {
		return "", nil
	}
	most := 1
	if job.HoldAfter > 0 || job.HoldHeader {
		most = max(job.HoldAfter, 1) + job.Batch.Files
	}
	runs, err := b.Ledger.Latest(ctx, job.Name, job.Store, after, most)
	if err != nil || len(runs) == 0 {
		return "", err
	}
	last := runs[0]
	if job.Strict && last.Status != ledger.Finished && last.Status != ledger.FinishedWithRejects {
		return fmt.Sprintf("%s is %s, and the job is strict", config.Shown(last.File.Name), last.Status), nil
	}
	// What was loaded together is judged together, so what matters may have come before the last of them.
	for i, run := range runs {
		if run.Batch != last.Batch {
			break
		}
		if job.HoldAfter > 0 && allRejected(runs[i:], job.HoldAfter) {
			return b.rowReason(run, i == 0), nil
		}
		if job.HoldHeader && run.Status == ledger.Rejected {
			if reason, err := b.headerReason(ctx, run); err != nil || reason != "" {
				return reason, err
			}
		}
	}
	return "", nil
}

// rowReason says that so many in a row were rejected. Those behind them were loaded together with them.
func (b *Breaker) rowReason(last ledger.Run, newest bool) string {
	name := config.Shown(last.File.Name)
	switch n := b.Job.HoldAfter; {
	case n == 1:
		return name + " was rejected, and hold_after is 1"
	case newest:
		return fmt.Sprintf("the last %d files were rejected, %s the last of them", n, name)
	default:
		return fmt.Sprintf("%d files in a row were rejected, %s the last of them", n, name)
	}
}

// allRejected tells whether the first n are there and were all rejected.
func allRejected(runs []ledger.Run, n int) bool {
	return len(runs) >= n && !slices.ContainsFunc(runs[:n], func(run ledger.Run) bool { return run.Status != ledger.Rejected })
}

// headerReason looks into the report of a rejected file.
func (b *Breaker) headerReason(ctx context.Context, last ledger.Run) (string, error) {
	run, err := b.Ledger.Run(ctx, last.ID)
	if err != nil {
		return "", err
	}
	var full report.Report
	if err := json.Unmarshal(run.Report, &full); err != nil {
		return "", fmt.Errorf("the report of run %d in the ledger: %w", run.ID, err)
	}
	if full.Rejection == nil || full.Rejection.Code != "header" {
		return "", nil
	}
	return fmt.Sprintf("%s was rejected for its header: %s", config.Shown(last.File.Name), full.Rejection.Message), nil
}
