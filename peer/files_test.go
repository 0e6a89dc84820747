package peer

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// servedTree makes a directory with a file "good" in it and beside it a file
// "secret", and serves the former.
func servedTree(t *testing.T) (r *root, dir string) {
	t.Helper()
	above := t.TempDir()
	dir = filepath.Join(above, "root")
	for _, d := range []string{dir, filepath.Join(dir, "sub")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"secret", "root/good", "root/sub/deep", "root/ünï cödé"} {
		if err := os.WriteFile(filepath.Join(above, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := openRoot(dir, secure.PublicKey{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r, dir
}

// openSoon opens a name and fails the test if that waits for anything.
func openSoon(t *testing.T, r *root, name string) (*servedFile, error) {
	t.Helper()
	type result struct {
		f   *servedFile
		err error
	}
	done := make(chan result, 1)
	go func() {
		f, err := r.open(name)
		done <- result{f, err}
	}()
	select {
	case x := <-done:
		return x.f, x.err
	case <-time.After(5 * time.Second):
		t.Fatalf("to open %q hangs", name)
		return nil, nil
	}
}

func TestNamesThatAreServed(t *testing.T) {
	r, _ := servedTree(t)
	for _, name := range []string{"good", "sub/deep", "ünï cödé"} {
		f, err := openSoon(t, r, name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		got := make([]byte, f.stamp.Size)
		if err := f.readAt(got, 0); err != nil || string(got) != "root/"+name {
			t.Errorf("%q: %q, %v", name, got, err)
		}
		f.close()
	}
}

// TestNamesThatAreNot: names come from strangers.
func TestNamesThatAreNot(t *testing.T) {
	r, _ := servedTree(t)
	for _, name := range []string{
		"", ".", "..", "/", "../secret", "sub/../../secret", "sub/../good", "./good", "good/", "good/.",
		"sub//deep", "/etc/passwd", "//good", "go\x00od", "good\x00", "sub\\deep", "..\\secret", "C:good",
		"none", "good/deeper", "sub", strings.Repeat("x", 5000), strings.Repeat("a/", 2000) + "a",
		strings.Repeat("x", proto.MaxName), "\xff\xfe",
	} {
		f, err := openSoon(t, r, name)
		if err == nil {
			f.close()
			t.Errorf("%.40q was opened", name)
			continue
		}
		if code := openFailure(err); code != proto.FailNotFound {
			t.Errorf("%.40q: code %d for %v", name, code, err)
		}
	}
}

func TestVersion(t *testing.T) {
	r, dir := servedTree(t)
	version := func(r *root, name string) proto.FileVersion {
		t.Helper()
		f, err := r.open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.close()
		return f.version
	}
	first := version(r, "good")
	again, err := openRoot(dir, secure.PublicKey{1})
	if err != nil {
		t.Fatal(err)
	}
	defer again.close()
	if version(again, "good") != first {
		t.Error("a restart changes the version")
	}
	other, err := openRoot(dir, secure.PublicKey{2})
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if version(other, "good") == first {
		t.Error("two servers give one version")
	}
	if version(r, "sub/deep") == first {
		t.Error("two files have one version")
	}
	path := filepath.Join(dir, "good")
	if err := os.WriteFile(path, []byte("another content"), 0o644); err != nil {
		t.Fatal(err)
	}
	second := version(r, "good")
	if err := os.Chtimes(path, time.Time{}, time.Unix(1e9, 5)); err != nil {
		t.Fatal(err)
	}
	third := version(r, "good")
	if second == first || third == second {
		t.Error("a change does not change the version")
	}
}

// TestReadOfAChangedFile: whatever happens to an open file, no byte of another
// state is given.
func TestReadOfAChangedFile(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 1) },
		"grown":     func(path string) error { return os.Truncate(path, 1000) },
		"touched":   func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1e9, 5)) },
	} {
		t.Run(name, func(t *testing.T) {
			r, dir := servedTree(t)
			f, err := r.open("good")
			if err != nil {
				t.Fatal(err)
			}
			defer f.close()
			got := make([]byte, f.stamp.Size)
			if err := f.readAt(got, 0); err != nil || !bytes.Equal(got, []byte("root/good")) {
				t.Fatalf("%q, %v", got, err)
			}
			if err := change(filepath.Join(dir, "good")); err != nil {
				t.Fatal(err)
			}
			if err := f.readAt(got, 0); !errors.Is(err, errChanged) {
				t.Errorf("%v, want %v", err, errChanged)
			}
		})
	}
}

func TestUnreadableFile(t *testing.T) {
	r, dir := servedTree(t)
	path := filepath.Join(dir, "good")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(path); err == nil {
		f.Close()
		t.Skip("this user may read everything")
	}
	if _, err := openSoon(t, r, "good"); !errors.Is(err, fs.ErrPermission) || openFailure(err) != proto.FailRefused {
		t.Errorf("%v", err)
	}
}
