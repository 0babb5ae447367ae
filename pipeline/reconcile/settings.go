package reconcile

import (
	"strings"

	"chute/connectors"
)

// pinned is what every statement of a run relies on. Values that a server or a user's profile has for other purposes must not change
// what a run means, least of all in silence.
var pinned = map[string]string{
	// An insert is in the table, as it was sent, when it ends.
	"async_insert":                    "0",
	"optimize_on_insert":              "0", // engines like Replacing must not collapse what is being counted
	"insert_deduplicate":              "0",
	"deduplicate_insert":              "disable",
	"deduplicate_insert_select":       "disable",
	"max_partitions_per_insert_block": "0", // a year of daily partitions is no mistake
	"insert_distributed_sync":         "1",
	"distributed_foreground_insert":   "1",

	"deduplicate_blocks_in_dependent_materialized_views": "0",
	"materialized_views_ignore_errors":                   "0",

	// INSERT … SELECT writes in the order that it reads.
	"max_insert_threads":                 "1",
	"parallel_distributed_insert_select": "0",

	// A deletion is done when it ends.
	"mutations_sync":           "2",
	"lightweight_deletes_sync": "2",

	// What is counted is all there is.
	"final":                      "0",
	"limit":                      "0",
	"offset":                     "0",
	"additional_result_filter":   "",
	"apply_deleted_mask":         "1",
	"skip_unavailable_shards":    "0",
	"optimize_using_constraints": "0",
	"force_primary_key":          "0",
	"force_index_by_date":        "0",
	"transform_null_in":          "0",

	"data_type_default_nullable":              "0",
	"flatten_nested":                          "0", // a stage has the columns of its target, whatever they were made with
	"allow_experimental_low_cardinality_type": "1", // servers of 2018 ask for it
}

// Pinned are the settings that every statement of a run is sent with, as far as the server knows them.
func Pinned(can connectors.Abilities) map[string]string {
	settings := map[string]string{}
	for name, value := range pinned {
		if can.Settings[name] {
			settings[name] = value
		}
	}
	return settings
}

// complete ends a SELECT whose result decides something: no limit of a profile may cut it short instead of failing. Old servers take
// settings that are words only in the text.
func complete(can connectors.Abilities) string {
	var modes []string
	for _, what := range []string{"distinct", "group_by", "read", "result", "set", "sort", "timeout"} {
		if can.Settings[what+"_overflow_mode"] {
			modes = append(modes, what+"_overflow_mode = 'throw'")
		}
	}
	if len(modes) == 0 {
		return ""
	}
	return " SETTINGS " + strings.Join(modes, ", ")
}

// permissive are the settings to make a stage with: what the target has is allowed, whatever a server thinks of it today.
func permissive(can connectors.Abilities) map[string]string {
	settings := Pinned(can)
	for name := range can.Settings {
		if strings.HasPrefix(name, "allow_suspicious_") || strings.HasPrefix(name, "allow_experimental_") && describesColumns(name) {
			settings[name] = "1"
		}
	}
	return settings
}

// describesColumns tells whether an allowance is about what a column may be or have.
func describesColumns(name string) bool {
	for _, suffix := range []string{"_type", "_types", "_index", "_codecs", "_statistic", "_statistics"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// tableSettings are the MergeTree settings of a table that chute creates: synced to disk, and for a stage what its target has and
// nothing that drops or delays rows. A stage is synced as a whole before anything depends on it, where a session can do that: syncing
// every file of every part by itself would hold up the load.
func tableSettings(can connectors.Abilities, stage bool, inherited []string) string {
	settings := append([]string(nil), inherited...)
	add := func(name, value string) {
		if can.MergeTreeSettings[name] {
			settings = append(settings, name+" = "+value)
		}
	}
	if can.FsyncSettings && !(stage && can.SyncsAll) {
		add("fsync_after_insert", "1")
		add("fsync_part_directory", "1")
	}
	if stage {
		add("non_replicated_deduplication_window", "0")
		add("parts_to_delay_insert", "100000")
		add("parts_to_throw_insert", "100000")
		add("max_bytes_to_merge_at_max_space_in_pool", "1") // a stage lives for seconds: merging it is wasted work
	}
	if len(settings) == 0 {
		return ""
	}
	return " SETTINGS " + strings.Join(settings, ", ")
}
