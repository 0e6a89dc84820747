package secure

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestIdentityIsMadeAtFirstUseAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "chunkcp", "identity")
	made, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.PublicKey() != made.PublicKey() {
		t.Errorf("second use has key %s, first had %s", loaded, made)
	}
	if runtime.GOOS != "windows" {
		wantMode(t, path, 0o600)
		wantMode(t, filepath.Dir(path), fs.ModeDir|0o700)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "# ") || !strings.Contains(lines[0], made.String()) || lines[2] != "" {
		t.Errorf("file is not a comment with the public key and a line of base64: %d lines, first %q", len(lines), lines[0])
	}
	wantOnly(t, filepath.Dir(path), "identity", "identity.lock")
}

// TestIdentityRace: all who race to make the file must end with the one that is in it.
func TestIdentityRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	keys := make([]PublicKey, 16)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			id, err := LoadIdentity(path)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = id.PublicKey()
		})
	}
	wg.Wait()
	kept, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		if key != kept.PublicKey() {
			t.Errorf("racer %d went away with %s, the file has %s", i, key, kept)
		}
	}
}

func TestIdentityOpenToOthersIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are checked on unix only")
	}
	path := filepath.Join(t.TempDir(), "identity")
	if _, err := LoadIdentity(path); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o610, 0o602, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := LoadIdentity(path)
		if want := "chmod 600 " + path; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("mode %#o: error %v, want one that says %q", mode, err, want)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadIdentity(path); err != nil {
		t.Errorf("mode 0400: %v", err)
	}
}

func TestMalformedIdentityIsRefusedAndKept(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte("thirty-two bytes of some secret."))
	for name, text := range map[string]string{
		"empty":        "",
		"no key":       "# comment\n\n",
		"truncated":    "# comment\n" + secret[:30] + "\n",
		"two keys":     secret + "\n" + secret + "\n",
		"key and text": secret + " # mine\n",
		"not base64":   strings.Repeat("?", 44),
		"too long":     secret + "\n" + strings.Repeat("#\n", 4096),
	} {
		path := filepath.Join(t.TempDir(), "identity")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadIdentity(path)
		if err == nil || !strings.Contains(err.Error(), path+" is malformed") {
			t.Errorf("%s: error %v, want one that names the file as malformed", name, err)
		} else if strings.Contains(err.Error(), secret[:20]) {
			t.Errorf("%s: error shows the secret: %v", name, err)
		}
		if data, _ := os.ReadFile(path); string(data) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, err := LoadIdentity(t.TempDir()); err == nil {
		t.Error("a directory was taken for an identity")
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	id := testIdentity(t, 1)
	secret := [32]byte(id.private.Bytes())
	config := HandshakeConfig{Identity: id, PSK: secret[:]}
	handshake, err := NewInitiator(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{
			id, *id, Keys{Send: secret, Receive: secret}, config, handshake, *handshake,
			NewSealer(secret, 0), *NewSealer(secret, 0), *NewOpener(secret),
		} {
			text := fmt.Sprintf(verb, value)
			for _, shown := range []string{
				fmt.Sprintf("%x", secret), fmt.Sprint(secret)[1:60], fmt.Sprintf("%#v", secret)[9:60],
				base64.StdEncoding.EncodeToString(secret[:]),
			} {
				if strings.Contains(text, shown) {
					t.Errorf("%s of %T shows the secret: %s", verb, value, text)
				}
			}
		}
	}
	if id.String() != id.PublicKey().String() || fmt.Sprint(id) != id.String() {
		t.Errorf("String is %s, want the public key %s", id.String(), id.PublicKey())
	}
}

func TestNewIdentityTakesItsRandomness(t *testing.T) {
	if a, b := testIdentity(t, 7), testIdentity(t, 7); a.PublicKey() != b.PublicKey() {
		t.Errorf("the same randomness made %s and %s", a, b)
	}
	if _, err := NewIdentity(strings.NewReader("short")); err == nil {
		t.Error("an identity was made of 5 random bytes")
	}
	a, err := NewIdentity(nil)
	b, err2 := NewIdentity(nil)
	if err := errors.Join(err, err2); err != nil || a.PublicKey() == b.PublicKey() {
		t.Errorf("two identities of the system's randomness: %v, %v, %v", a, b, err)
	}
}

func FuzzParseIdentity(f *testing.F) {
	id := testIdentity(f, 1)
	f.Add(id.encode())
	f.Add([]byte("# only a comment\r\n"))
	f.Add([]byte(base64.StdEncoding.EncodeToString(id.private.Bytes())))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := parseIdentity(data)
		if err != nil {
			return
		}
		again, err := parseIdentity(id.encode())
		if err != nil || again.PublicKey() != id.PublicKey() {
			t.Errorf("%s written and read again is %v, %v", id, again, err)
		}
	})
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != want {
		t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
	}
}

// wantOnly fails if dir has files other than names: temporary ones left behind, say.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if fmt.Sprint(have) != fmt.Sprint(names) {
		t.Errorf("%s has %q, want %q", dir, have, names)
	}
}
