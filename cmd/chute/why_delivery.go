package main

import (
	"fmt"

	"chute/pipeline/ledger"
	"chute/pipeline/report"
)

// tellDelivery says what the run's status means for a file that chute makes.
func tellDelivery(a *whyJSON, run ledger.Run) {
	switch run.Status {
	case ledger.Running:
		a.Reason, a.Next = "it is being written", "it goes to the outbox when it is whole"
	case ledger.Retrying:
		a.Reason, a.Next, a.At = report.Text("after the error: "+run.Error), fmt.Sprintf("it is tried again; `chute retry %d` does that at once", run.ID), utcOf(run.NextTry)
	case ledger.Stuck:
		a.Reason, a.Next = report.Text(run.Error), "nothing until then"
	case ledger.Cancelling:
		a.Reason, a.Next = "somebody wants that", "it stops as soon as what is under way can be left"
	case ledger.Finished:
		a.Reason = report.Text(fmt.Sprintf("%d rows are written, and delivered", run.Records))
	case ledger.Skipped:
		a.Reason = "nothing was delivered, for the answer had no rows"
	case ledger.Failed:
		a.Reason = report.Text("nothing was delivered: " + run.Error)
	default:
		a.Reason = report.Text(run.Error)
	}
}
