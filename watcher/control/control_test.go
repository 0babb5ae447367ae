package control

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestOneOwner(t *testing.T) {
	dir := t.TempDir() + "/state"
	lock, err := Own(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Own(dir)
	if !errors.Is(err, ErrOwned) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("second owner: got %v, want ErrOwned naming process %d", err, os.Getpid())
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := Own(dir)
	if err != nil {
		t.Fatalf("after the first owner has gone: %v", err)
	}
	again.Release()
}
