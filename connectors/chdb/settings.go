package chdb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"chute/connectors/native"
)

// markSetting carries a statement's mark into system.processes, where KILL finds it.
const markSetting = "log_comment"

// insertBlock is how many bytes of rows become a part together, where there is memory for that.
const insertBlock = 64 << 20

// baseSettings are what every statement runs with unless it says otherwise.
func baseSettings(cfg Config) map[string]string {
	base := map[string]string{
		"async_insert":       "0", // a committed insert is in the table
		"optimize_on_insert": "0", // every record stays a row until the table's own merges

		"max_partitions_per_insert_block": "0", // a year of days is one file

		// An insert's memory is a few times what a block takes: one thread and blocks of this size keep it under 400 MB.
		"max_insert_threads":          "1",
		"min_insert_block_size_rows":  "262144",
		"min_insert_block_size_bytes": strconv.Itoa(insertBlock),

		// The ratios would override the limits in bytes below.
		"max_bytes_ratio_before_external_sort":     "0",
		"max_bytes_ratio_before_external_group_by": "0",
		"join_algorithm":                           "direct,grace_hash,hash", // grace_hash spills; it can't do every join

		// The engine's compiler needs memory that is writable and executable, which systemd's MemoryDenyWriteExecute forbids.
		"compile_expressions":           "0",
		"compile_aggregate_expressions": "0",
		"compile_sort_description":      "0",

		// A block that doesn't fit is an error, never repaired in silence.
		"input_format_skip_unknown_fields":           "0",
		"input_format_native_allow_types_conversion": "0",
		"low_cardinality_allow_in_native_format":     "0", // native.Block carries the plain values
		"output_format_native_write_json_as_string":  "1", // and JSON as text
	}
	if cfg.Memory > 0 {
		base["max_memory_usage"] = strconv.FormatInt(cfg.Memory, 10)
		base["min_insert_block_size_bytes"] = strconv.FormatInt(min(insertBlock, cfg.Memory/16), 10)
		base["max_bytes_before_external_group_by"] = strconv.FormatInt(cfg.Memory/8, 10)
		// A sort that spills writes runs, and merges them all at a time: few of them, and of each little in memory.
		base["max_bytes_before_external_sort"] = strconv.FormatInt(cfg.Memory/4, 10)
		base["prefer_external_sort_block_bytes"] = strconv.FormatInt(cfg.Memory/1024, 10)
		base["temporary_files_buffer_size"] = strconv.FormatInt(min(1<<20, cfg.Memory/1024), 10)
	}
	if cfg.Threads > 0 {
		base["max_threads"] = strconv.Itoa(cfg.Threads)
	}
	return base
}

// setStatement is the SET of a fresh connection: the base, the statement's own settings and its mark.
func setStatement(base, own map[string]string, mark string) (string, error) {
	if _, taken := own[markSetting]; taken {
		return "", fmt.Errorf("the setting %s isn't free: chute finds its statements by it", markSetting)
	}
	all := make(map[string]string, len(base)+len(own)+1)
	for _, settings := range []map[string]string{base, own, {markSetting: mark}} {
		for name, value := range settings {
			all[name] = value
		}
	}
	parts := make([]string, 0, len(all))
	for name, value := range all {
		quoted, err := native.Bind("?", value)
		if err != nil {
			return "", fmt.Errorf("setting %s: %w", name, err)
		}
		parts = append(parts, native.Identifier(name)+" = "+quoted)
	}
	slices.Sort(parts)
	return "SET " + strings.Join(parts, ", "), nil
}
