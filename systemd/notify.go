package systemd

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Service tells whether systemd started this very process, and not one that this one descends from.
func Service() bool { return os.Getenv("SYSTEMD_EXEC_PID") == strconv.Itoa(os.Getpid()) }

// Ready says that the service does its work, at the start and after Reloading.
func Ready() error { return tell(daemon.SdNotifyReady) }

// Reloading says that the configuration is being read. Ready ends it.
func Reloading() error {
	return tell(daemon.SdNotifyReloading, strings.TrimSpace(daemon.SdNotifyMonotonicUsec()))
}

// Stopping says that the service is about to end.
func Stopping() error { return tell(daemon.SdNotifyStopping) }

// Alive feeds the watchdog and says in a line how the service is doing.
func Alive(status string) error { return tell(daemon.SdNotifyWatchdog, "STATUS="+line(status)) }

// statusMost is as much of a status as is told: a notice is one packet.
const statusMost = 1000

// line is a text as one line of bounded length: another line would be another notice.
func line(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) <= statusMost {
		return text
	}
	cut := statusMost
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// tell tells nobody, without an error, where there is no systemd that listens.
func tell(notices ...string) error {
	if _, err := daemon.SdNotify(false, strings.Join(notices, "\n")); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}
