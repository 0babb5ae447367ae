package status

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Metrics is metrics.prom, in the text format of Prometheus. Ages are told as the moment they are counted from, as is usual there: whoever asks subtracts it
// from the time.
func Metrics(s Snapshot) []byte {
	m := &metricsText{}
	d := s.Daemon
	m.family("chute_info", "The version that runs.")
	m.value(1, "version", d.Version)
	m.family("chute_start_time_seconds", "When the daemon was started, in seconds since 1970.")
	m.value(d.Started.Unix())
	m.family("chute_heartbeat_time_seconds", "When these files were written last, in seconds since 1970.")
	m.value(d.Heartbeat.Unix())
	m.family("chute_up", "1 while the daemon runs, 0 once it was stopped in order.")
	m.value(truth(d.Stopped.IsZero()))
	m.family("chute_configuration_load_time_seconds", "When the configuration was read last, in seconds since 1970.")
	m.value(d.Configuration.Loaded.Unix())
	m.family("chute_database_up", "1 when the database answered the last question.")
	m.value(truth(d.Database.Up))
	m.surroundings(d)
	m.jobs(s.Jobs)
	m.exports(s.Jobs)
	return m.Bytes()
}

func (m *metricsText) surroundings(d Daemon) {
	m.family("chute_inbox_failing", "1 when the inbox can't be looked at.")
	for _, s := range d.Stores {
		m.value(truth(s.Failing), "store", s.Store, "inbox", s.Inbox)
	}
	m.family("chute_free_bytes", "Room left for chute.")
	for _, k := range d.Disks {
		if k.Known {
			m.value(k.Free, "place", k.Place)
		}
	}
	m.family("chute_min_free_bytes", "With less room nothing is claimed.")
	for _, k := range d.Disks {
		m.value(k.MinFree, "place", k.Place)
	}
	m.family("chute_unwanted_entries", "Entries of an inbox that no job takes.")
	for _, in := range d.Unwanted {
		total := 0
		for _, n := range in.Files {
			total += n
		}
		m.value(int64(total), "store", in.Store, "inbox", in.Inbox)
	}
	m.family("chute_runs", "Runs that wait, by their status.")
	m.value(int64(d.Queue.Retrying), "status", "retrying")
	m.value(int64(d.Queue.Stuck), "status", "stuck")
	m.value(int64(d.Queue.Interrupted), "status", "interrupted")
}

func (m *metricsText) jobs(jobs []Job) {
	m.family("chute_job_files", "Files of the job that wait in its inbox or are being loaded.")
	for _, job := range jobs {
		running := job.Files["running"]
		total := 0
		for _, n := range job.Files {
			total += n
		}
		m.value(int64(running), "job", job.Job, "state", "running")
		m.value(int64(job.Files["queued"]), "job", job.Job, "state", "queued")
		m.value(int64(total-running-job.Files["queued"]), "job", job.Job, "state", "other")
	}
	m.family("chute_job_held", "1 while the job is held.")
	for _, job := range jobs {
		m.value(truth(job.State == Held), "job", job.Job)
	}
	m.family("chute_job_oldest_file_time_seconds", "First sight of the file that has waited longest, in seconds since 1970; missing when none waits.")
	for _, job := range jobs {
		if !job.Oldest.IsZero() {
			m.value(job.Oldest.Unix(), "job", job.Job)
		}
	}
	m.family("chute_job_stuck_after_seconds", "After so long a file that waits is late; 0 is never.")
	for _, job := range jobs {
		m.value(job.StuckAfter, "job", job.Job)
	}
}

// exports are what the jobs of that kind have delivered.
func (m *metricsText) exports(jobs []Job) {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(job Job) bool { return job.Kind != "export" })
	for _, c := range []struct {
		name, help string
		of         func(Job) uint64
	}{
		{"chute_export_delivered_files_total", "Files that the export has delivered to its outbox.", func(j Job) uint64 { return j.Delivered }},
		{"chute_export_delivered_rows_total", "Rows in those files.", func(j Job) uint64 { return j.Rows }},
		{"chute_export_delivered_bytes_total", "Bytes of those files.", func(j Job) uint64 { return j.Bytes }},
	} {
		m.counter(c.name, c.help)
		for _, job := range jobs {
			m.value(int64(c.of(job)), "job", job.Job)
		}
	}
	m.family("chute_export_last_delivery_time_seconds", "When the export delivered last, in seconds since 1970; missing when it never did.")
	for _, job := range jobs {
		if !job.Latest.IsZero() {
			m.value(job.Latest.Unix(), "job", job.Job)
		}
	}
}

// metricsText writes gauges and counters. A family's lines follow its head; one without values has no head either.
type metricsText struct {
	bytes.Buffer
	name, head string
}

func (m *metricsText) family(name, help string) { m.begin(name, help, "gauge") }

func (m *metricsText) counter(name, help string) { m.begin(name, help, "counter") }

func (m *metricsText) begin(name, help, kind string) {
	m.name, m.head = name, fmt.Sprintf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// value writes one line; labels are names and values in turn.
func (m *metricsText) value(v int64, labels ...string) {
	m.WriteString(m.head)
	m.head = ""
	m.WriteString(m.name)
	for i := 0; i < len(labels); i += 2 {
		fmt.Fprintf(m, "%c%s=\"%s\"", "{,"[min(i, 1)], labels[i], escapeLabel.Replace(strings.ToValidUTF8(labels[i+1], "\ufffd")))
	}
	if len(labels) > 0 {
		m.WriteByte('}')
	}
	fmt.Fprintf(m, " %d\n", v)
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
