package peer

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
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
		f, err := r.take(name)
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

// oddNames are names that lead out of the root, are no file's, or mean something
// to some system.
func oddNames() []string {
	names := []string{
		"", ".", "..", "/", "../secret", "sub/../../secret", "sub/../good", "./good", "good/", "good/.", "good/..",
		"sub//deep", "/etc/passwd", "//good", "///", "go\x00od", "good\x00", "\x00", "good\x00/../../secret",
		"sub\\deep", "..\\secret", "\\good", "\\\\host\\share\\x", "//host/share/x", `\\?\C:\x`, `\\.\pipe\x`, "/??/C:/x",
		"C:", "C:good", "C:/good", "C:\\good", "c:../secret", "good:stream", "good::$DATA", ":good", "/C:",
		"CON", "NUL", "con", "nul", "nul.txt", "aux", "PRN", "COM1", "COM¹", "LPT9", "CONIN$", "CONOUT$", "sub/NUL", "NUL/x", "NUL ", "NUL.",
		"none", "good/deeper", "sub", "sub/", "good ", "good.", " good", "good\n", "\tgood", "go\x7fod", "\x1b[2Jgood", "-", "--", "-rf", "~", "~root", "$HOME", "%2e%2e/secret",
		"..%2fsecret", "..\u2215secret", "\u2024\u2024/secret", "\uff0e\uff0e/secret", "\uff0e./secret", "u\u0308ni\u0308 co\u0308de\u0308", "\u202egood", "\ufeffgood", "good\u200b", "GOOD", "\xff\xfe", "go\xc0\xafod", "..\xc0\xafsecret", "\xed\xa0\x80",
		strings.Repeat("a/", 2000) + "a", strings.Repeat("../", 1300) + "etc/passwd", strings.Repeat("sub/../", 500) + "good",
	}
	for _, n := range []int{255, 256, 1024, proto.MaxName - 1, proto.MaxName, proto.MaxName + 1, 5000, 65_536} {
		names = append(names, strings.Repeat("x", n))
	}
	for c := range 0x20 {
		names = append(names, string(rune(c)), "good"+string(rune(c)))
	}
	return names
}

// TestNamesThatAreNot: names come from strangers.
func TestNamesThatAreNot(t *testing.T) {
	r, _ := servedTree(t)
	for _, name := range oddNames() {
		if name == "GOOD" && (runtime.GOOS == "windows" || runtime.GOOS == "darwin") {
			continue // there it is another way to write good
		}
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
	if n := r.open.Load(); n != 0 {
		t.Errorf("%d files are counted as open", n)
	}
}

// FuzzName: whatever a name is, what it opens lies below the root.
func FuzzName(f *testing.F) {
	for _, name := range append(oddNames(), "good", "sub/deep", "ünï cödé") {
		f.Add(name)
	}
	above := f.TempDir()
	dir := filepath.Join(above, "root")
	inside := map[string]string{"good": "root/good", "sub/deep": "root/sub/deep", "ünï cödé": "root/ünï cödé"}
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		f.Fatal(err)
	}
	for _, text := range append(slices.Collect(maps.Values(inside)), "secret") {
		if err := os.WriteFile(filepath.Join(above, text), []byte(text), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "out")); err != nil {
		f.Skip(err)
	}
	if err := os.Symlink("good", filepath.Join(dir, "in")); err != nil {
		f.Fatal(err)
	}
	inside["in"] = "root/good"
	r, err := openRoot(dir, secure.PublicKey{1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(r.close)
	f.Fuzz(func(t *testing.T, name string) {
		file, err := r.take(name)
		if err != nil {
			return
		}
		defer file.close()
		got := make([]byte, file.stamp.Size)
		if err := file.readAt(got, 0); err != nil {
			t.Fatal(err)
		}
		want, known := inside[name]
		if known && string(got) != want || !slices.Contains(slices.Collect(maps.Values(inside)), string(got)) {
			t.Fatalf("%q opened a file that holds %q", name, got)
		}
	})
}

// TestManyFilesAreRefused: where descriptors run out the client may ask again.
func TestManyFilesAreRefused(t *testing.T) {
	r, _ := servedTree(t)
	almost := int32(r.shares.most) - 1
	r.open.Store(almost)
	f, err := r.take("good")
	if err != nil {
		t.Fatal(err)
	}
	other := f.share() // the hashing's: the same descriptor
	if _, err := r.take("good"); openFailure(err) != proto.FailBusy {
		t.Errorf("one file too many: %v", err)
	}
	f.close()
	if _, err := r.take("good"); openFailure(err) != proto.FailBusy {
		t.Errorf("one file too many, by the hashing: %v", err)
	}
	other.close()
	if f, err = r.take("good"); err != nil {
		t.Fatal(err)
	}
	f.close()
	if n := r.open.Load(); n != almost {
		t.Errorf("%d files are counted as open", n)
	}
	for _, err := range []error{syscall.EMFILE, &fs.PathError{Err: syscall.ENFILE}} {
		if code := openFailure(err); code != proto.FailBusy {
			t.Errorf("%v: code %d", err, code)
		}
	}
}

func TestVersion(t *testing.T) {
	r, dir := servedTree(t)
	version := func(r *root, name string) proto.FileVersion {
		t.Helper()
		f, err := r.take(name)
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
			f, err := r.take("good")
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
