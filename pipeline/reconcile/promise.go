package reconcile

import "chute/connectors"

// Promise says what exactly-once means for this target on this server, in words for operators.
func (t *Target) Promise(s connectors.Server) string {
	if why := t.Refused(); why != "" {
		return "refused: " + why
	}
	return t.once() + "; " + t.visible(s.Abilities) + "; " + t.survival(s)
}

func (t *Target) once() string {
	switch {
	case !t.CountsRun():
		return "each record exactly once, but when chute or the server dies while publishing, the run is interrupted for a person to decide"
	case t.RowTTL:
		return "each record exactly once, until the table's TTL drops it"
	case t.thins():
		return "each record exactly once, until the table replaces it by a newer one of its key"
	}
	return "each record exactly once"
}

func (t *Target) visible(can connectors.Abilities) string {
	switch method := t.Method(can); {
	case method == AttachAll:
		return "all records visible in one step"
	case method == AttachPartition:
		return "records visible in one step per partition"
	case t.Views > 0:
		return "readers may see the first records before the last; materialized views as ClickHouse guarantees them"
	}
	return "readers may see the first records before the last"
}

func (t *Target) survival(s connectors.Server) string {
	switch {
	case t.Engine == "Distributed":
		return "survives what its shards survive"
	case s.Embedded && t.Engine != "Memory":
		return "survives kill -9 and power loss"
	case !t.MergeTree():
		return "survives kill -9 of chute; for the server's, see the engine " + t.Engine
	case !s.Abilities.FsyncSettings:
		return "survives kill -9; this server can't sync inserts, so a power cut on its machine may lose the last ones"
	case !t.Synced:
		return "survives kill -9; for power loss too: ALTER TABLE " + t.Table() + " MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1"
	}
	return "survives kill -9 and power loss"
}
