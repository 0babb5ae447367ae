package reject

import (
	"strings"

	"chute/config"
)

// mark stands before the extension. config.Job.Matches takes a name with it for the name without.
const mark = ".rejects"

// Names are what a file's reject files are called when they lie beside it.
type Names struct {
	Records string
	Reasons string

	// In the work folder lies the file itself as well, which may be one that came back and have the name already.
	recordsPath, reasonsPath string
}

// NamesFor computes the names of the reject files of a file.
func NamesFor(name string) Names {
	stem, ext := parts(name)
	n := Names{Records: stem + mark + ext, Reasons: stem + mark + ".jsonl"}
	if n.Reasons == n.Records {
		n.Reasons = stem + mark + ".reasons.jsonl"
	}
	n.recordsPath, n.reasonsPath = n.Records, n.Reasons
	if n.recordsPath == name {
		n.recordsPath = stem + mark + ".again" + ext
	}
	if n.reasonsPath == name {
		n.reasonsPath = stem + mark + ".again.jsonl"
	}
	return n
}

// RejectName is what the file of refused records is called: "orders.csv.gz" and "orders.rejects.csv" both give "orders.rejects.csv", so a name
// doesn't grow with every return. Who puts it beside others makes it unique.
func RejectName(name string) string { return NamesFor(name).Records }

// parts splits a name into stem and extension, without a compression's suffix, since reject files aren't compressed, and without marks. A dot at the
// beginning makes no extension.
func parts(name string) (stem, ext string) {
	for returned := true; returned; { // once is enough but for names like "a.rejects..rejects"
		name, returned = config.WithoutRejects(name)
	}
	for _, suffix := range []string{".gz", ".zst"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && base != "" {
			name = base
			break
		}
	}
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		return name[:dot], name[dot:]
	}
	return name, ""
}
