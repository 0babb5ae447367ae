package main

import (
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

// logTimes is for all logs of the process, which has several when it answers others' commands.
var logTimes = sync.OnceFunc(func() {
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00"
	zerolog.TimestampFunc = func() time.Time { return time.Now().UTC() }
})

// newLog writes lines for people on a terminal and JSON everywhere else, the journal above all. Times are UTC with milliseconds.
func newLog(w io.Writer) zerolog.Logger {
	return logTo(w, terminal(w))
}

// newLogFor writes for the one who gave the command, who may be another process: what w is doesn't tell then. People read what became of
// their files in the answer; the log tells them only what is wrong.
func newLogFor(c *cobra.Command, w io.Writer) zerolog.Logger {
	if people := callerOf(c).request.Progress; people {
		return logTo(w, people).Level(zerolog.WarnLevel)
	}
	return logTo(w, false)
}

func logTo(w io.Writer, people bool) zerolog.Logger {
	logTimes()
	if people {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: "15:04:05"}
	}
	return zerolog.New(w).Level(zerolog.InfoLevel).With().Timestamp().Logger()
}
