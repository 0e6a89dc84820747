//go:build unix

package secure

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soon fails the test if do waits for anything.
func soon(t *testing.T, do func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(5 * time.Second):
		t.Fatal("it hangs")
		return nil
	}
}

func wantRun(t *testing.T, err error, command string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "run: "+command) {
		t.Errorf("error %v, want one that says to run %q", err, command)
	}
}

// TestKnownPeersThatOthersMayWrite: who can add a line decides who is believed.
// To read it harms nobody.
func TestKnownPeersThatOthersMayWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known peers")
	remember(t, openKnownPeers(t, path), "a:1", testKey(1))
	for _, mode := range []fs.FileMode{0o620, 0o602, 0o666, 0o664} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKnownPeers(path)
		wantRun(t, err, fmt.Sprintf("chmod %o '%s'", mode&^0o022, path))
	}
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKnownPeers(path); err != nil {
			t.Errorf("mode %#o: %v", mode, err)
		}
	}
}

// TestDirectoryThatOthersMayWrite: there they could put another file in the
// place of ours, be it there already or still to be made.
func TestDirectoryThatOthersMayWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	for _, mode := range []fs.FileMode{0o770, 0o707, 0o777} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, made := range []bool{false, true} {
			if made {
				if _, err := LoadIdentity(filepath.Join(dir, "key")); err != nil {
					t.Fatal(err)
				}
				remember(t, openKnownPeers(t, filepath.Join(dir, "known_peers")), "a:1", testKey(1))
			}
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadIdentity(filepath.Join(dir, "key"))
			wantRun(t, err, "chmod go-w "+dir)
			k, err := OpenKnownPeers(filepath.Join(dir, "known_peers"))
			if err == nil {
				err = k.Remember("b:1", testKey(2), firstContact)
			}
			wantRun(t, err, "chmod go-w "+dir)
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, fs.ModeSticky|0o777); err != nil { // as /tmp is
		t.Fatal(err)
	}
	if _, err := LoadIdentity(filepath.Join(dir, "key")); err != nil {
		t.Errorf("a sticky directory: %v", err)
	}
}

// TestSecretFilesThatAreNone: nothing is waited for, and nothing else is read.
func TestSecretFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, dir, "/dev/null"} {
		for what, open := range map[string]func() error{
			"identity":    func() error { _, err := LoadIdentity(path); return err },
			"known peers": func() error { _, err := OpenKnownPeers(path); return err },
		} {
			if err := soon(t, open); err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("%s at %s: %v", what, path, err)
			}
		}
	}
}

func TestQuote(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b-c_1.d": "/a/b-c_1.d", "": "''", "-r": "'-r'", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "~": "'~'", "é": "'é'",
	} {
		if got := quote(path); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
}
