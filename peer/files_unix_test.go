//go:build unix

package peer

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWhatIsNoFile: nothing but a regular file below the root is opened, and
// nothing hangs.
func TestWhatIsNoFile(t *testing.T) {
	r, dir := servedTree(t)
	t.Chdir(dir) // the path of a socket must be short
	for link, target := range map[string]string{
		"out": "../secret", "absolute": filepath.Join(filepath.Dir(dir), "secret"), "dev": "/dev",
		"null": "/dev/null", "loop": "loop", "up": "..", "fifolink": "fifo", "passwd": "/etc/passwd",
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo("fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, name := range []string{
		"out", "absolute", "null", "dev/null", "dev/zero", "dev", "loop", "up/secret", "up", "up/root/good",
		"fifo", "fifolink", "socket", "passwd",
	} {
		if f, err := openSoon(t, r, name); err == nil {
			f.close()
			t.Errorf("%q was opened", name)
		}
	}
}

func TestLinksInsideAreServed(t *testing.T) {
	r, dir := servedTree(t)
	for link, target := range map[string]string{"link": "good", "dirlink": "sub", "sub/back": "../good"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := r.open("good")
	if err != nil {
		t.Fatal(err)
	}
	defer want.close()
	for _, name := range []string{"link", "sub/back"} {
		f, err := openSoon(t, r, name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if f.version != want.version {
			t.Errorf("%q has another version than what it leads to", name)
		}
		f.close()
	}
	f, err := openSoon(t, r, "dirlink/deep")
	if err != nil {
		t.Fatal(err)
	}
	f.close()
}

// TestAFIFOInTheFilesPlace: one that takes the place of the file after it was
// looked at must not hang the open either.
func TestAFIFOInTheFilesPlace(t *testing.T) {
	r, dir := servedTree(t)
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := r.dir.OpenFile("fifo", os.O_RDONLY|openNonblock, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := (&servedFile{file: file}).identify(r.key); err != errNotRegular {
		t.Errorf("%v, want %v", err, errNotRegular)
	}
}
