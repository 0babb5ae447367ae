package control

import (
	"slices"
	"strings"
)

// shownArgs are a command's arguments as they are logged: a parameter of an export is often a value of rows, of which no log tells.
func shownArgs(args []string) []string {
	shown := slices.Clone(args)
	for i, arg := range args {
		set, own := strings.CutPrefix(arg, "--set=")
		if !own && (i == 0 || args[i-1] != "--set") {
			continue
		}
		if key, value, _ := strings.Cut(set, "="); value != "" && strings.HasPrefix(strings.TrimLeft(key, " \t\"'"), "parameters") {
			shown[i] = strings.TrimSuffix(arg, value) + "…"
		}
	}
	return shown
}
