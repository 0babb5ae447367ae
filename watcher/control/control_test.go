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

// TestOwned: looking for an owner tells of one, makes nothing where there is none, and doesn't keep anybody from becoming it.
func TestOwned(t *testing.T) {
	dir := t.TempDir() + "/state"
	if owned, err := Owned(dir); owned || err != nil {
		t.Errorf("no folder: %t, %v", owned, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking made the folder")
	}
	lock, err := Own(dir)
	if err != nil {
		t.Fatal(err)
	}
	if owned, err := Owned(dir); !owned || err != nil {
		t.Errorf("owned: %t, %v", owned, err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if owned, err := Owned(dir); owned || err != nil {
		t.Errorf("released: %t, %v", owned, err)
	}
	stop, looking := make(chan struct{}), make(chan error)
	go func() {
		for {
			if _, err := Owned(dir); err != nil {
				looking <- err
				return
			}
			select {
			case <-stop:
				looking <- nil
				return
			default:
			}
		}
	}()
	for range 20 {
		lock, err := Own(dir)
		if err != nil {
			t.Errorf("while somebody looks: %v", err)
			continue
		}
		lock.Release()
	}
	close(stop)
	if err := <-looking; err != nil {
		t.Error(err)
	}
}
