package sftp

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"chute/connectors/connectortest/sshd"
)

// TestPool: stores behind one login have one connection, until the last of them is closed; who logs in otherwise has another.
func TestPool(t *testing.T) {
	s, pool, dir := stub(t, sshd.Binary()), new(Pool), t.TempDir()
	open := func(root, secrets string) *Folder {
		c := onStub(s, filepath.Join(dir, root))
		c.Secrets = secrets
		return storeBy(t, pool.New, c)
	}
	logins := func(want int64, folders ...*Folder) {
		t.Helper()
		_, err := inOrder(len(folders), len(folders), func(i, _ int) error {
			_, err := folders[i].List(t.Context(), ".")
			return err
		})
		if err != nil || s.Logins() != want {
			t.Fatalf("%d logins, want %d; %v", s.Logins(), want, err)
		}
	}
	for _, root := range []string{"one", "two"} {
		put(t, dir, root+"/in/a", []byte("of "+root))
	}
	one, two, other, alone := open("one", "key"), open("two", "key"), open("one", "another key"), open("two", "")
	logins(1, one, two, one, two)
	logins(2, other, one)
	logins(3, alone, two)
	var got []byte
	if _, err := fetch(t.Context(), two, "in/a", &got, 0); err != nil || !bytes.Equal(got, []byte("of two")) {
		t.Fatalf("%q, %v", got, err)
	}
	for range 2 {
		if err := one.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := one.List(t.Context(), "."); !errors.Is(err, errClosed) {
		t.Fatalf("a closed store: %v", err)
	}
	logins(3, two) // whose connection it was as well
	s.Cut()
	await(t, two.line.ended)
	logins(4, two)
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	if !two.line.ended() || len(pool.servers) != 1 {
		t.Fatalf("the last store was closed, %d connections are kept", len(pool.servers))
	}
	logins(5, open("two", "key"))
	if _, err := os.Stat(filepath.Join(dir, "two/in/a")); err != nil {
		t.Fatal(err)
	}
}
