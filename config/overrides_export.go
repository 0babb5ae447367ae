package config

import "slices"

// questionKeys are those that say which rows an export is about: with another value some would not be delivered that the watermark would be moved behind. The zone is
// that of a watermark's days. Where they go to is part of it as well: what was delivered elsewhere would be taken for delivered.
var questionKeys = []string{"store", "outbox", "query", "table", "columns", "filter", "order_by", "group_by", "distinct", "limit", "watermark", "timezone"}

// askedOtherwise are the keys of the question, and of where its answer goes, among those that --set holds over a job with a watermark.
func askedOtherwise(job *Export, set []string) (keys []string) {
	tree := overrides(set, new(Problems)) // without problems, or there were no job
	if job.Watermark.IsZero() && tree.get("watermark") == nil {
		return nil
	}
	for _, e := range tree.entries {
		switch {
		case slices.Contains(questionKeys, e.key):
			keys = append(keys, e.key)
		case e.key == "parameters":
			for _, p := range e.value.entries {
				if slices.Contains(job.asks(), p.key) {
					keys = append(keys, "parameters."+p.key)
				}
			}
		case e.key == "column":
			for _, item := range e.value.items {
				if name := item.get("name"); name != nil && item.get("expression") != nil {
					keys = append(keys, "column."+name.text+".expression")
				}
			}
		}
	}
	return keys
}
