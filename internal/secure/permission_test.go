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

// TestFilesOfAnotherUser: their owner may change them at any time, and so may the
// owner of their directory replace them.
func TestFilesOfAnotherUser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	key, known, psk := filepath.Join(dir, "key"), filepath.Join(dir, "known_peers"), filepath.Join(dir, "psk")
	if _, err := LoadIdentity(key); err != nil {
		t.Fatal(err)
	}
	remember(t, openKnownPeers(t, known), "a:1", testKey(1))
	if err := os.WriteFile(psk, []byte(strings.Repeat("5a", PSKLen)), 0o600); err != nil {
		t.Fatal(err)
	}
	files := map[string]func() error{
		key:   func() error { _, err := LoadIdentity(key); return err },
		known: func() error { _, err := OpenKnownPeers(known); return err },
		psk:   func() error { _, err := LoadPSK(psk); return err },
	}
	const other = 65533
	for path, open := range files {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, is := foreign(info); is {
			t.Errorf("%s of this user is another's", path)
		}
		if uid, is := foreignTo(other, info); is != (os.Geteuid() != 0) || is && int(uid) != os.Geteuid() {
			t.Errorf("%s to user %d: of user %d, another's: %v", path, other, uid, is)
		}
		if err := open(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if os.Geteuid() != 0 {
			continue // only root can give a file away
		}
		for _, given := range []string{path, dir} {
			if err := os.Chown(given, other, -1); err != nil {
				t.Fatal(err)
			}
			if err := open(); err == nil || !strings.Contains(err.Error(), "another user (uid 65533)") {
				t.Errorf("%s, with %s of another user: %v", path, given, err)
			}
			if err := os.Chown(given, 0, -1); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestNothingIsMadeInAnotherUsersDirectory: neither a key nor a list of servers.
func TestNothingIsMadeInAnotherUsersDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 65533, -1); err != nil {
		t.Fatal(err)
	}
	_, err := LoadIdentity(filepath.Join(dir, "key"))
	k, err2 := OpenKnownPeers(filepath.Join(dir, "known_peers"))
	if err2 == nil {
		err2 = k.Remember("a:1", testKey(1), firstContact)
	}
	for _, err := range []error{err, err2} {
		if err == nil || !strings.Contains(err.Error(), "another user (uid 65533) may replace") {
			t.Errorf("error %v", err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
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
