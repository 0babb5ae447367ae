package control

import (
	"slices"
	"testing"
)

// TestShownArgs: values of parameters aren't logged, all else is.
func TestShownArgs(t *testing.T) {
	args := []string{"--config", "c.toml", "export", "va", "--set", "parameters.cust=DE89=x", "--set=parameters.cust=DE89", "--set", ` "parameters" . cust = DE89`, "--set",
		`parameters={cust="DE89"}`, "--set", "filter=qty = 0", "--set", "parameters.cust="}
	want := []string{"--config", "c.toml", "export", "va", "--set", "parameters.cust=…", "--set=parameters.cust=…", "--set", ` "parameters" . cust =…`, "--set",
		"parameters=…", "--set", "filter=qty = 0", "--set", "parameters.cust="}
	if got := shownArgs(args); !slices.Equal(got, want) {
		t.Errorf("logged are %q", got)
	}
	if args[5] != "parameters.cust=DE89=x" {
		t.Error("the command itself was changed")
	}
}
