//go:build unix

package peer

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chunkcp/internal/secure"
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
	want, err := r.take("good")
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
	if err := (&servedFile{file: file}).identify(r.key, nil); err != errNotRegular {
		t.Errorf("%v, want %v", err, errNotRegular)
	}
}

// flipper puts one thing or another at a path, again and again.
type flipper struct {
	times      atomic.Int32
	over, done chan struct{}
}

func flip(t *testing.T, change ...func(temp string) error) *flipper {
	t.Helper()
	f := &flipper{over: make(chan struct{}), done: make(chan struct{})}
	temp := filepath.Join(t.TempDir(), "temp")
	go func() {
		defer close(f.done)
		for {
			select {
			case <-f.over:
				return
			default:
			}
			if err := change[int(f.times.Add(1))%len(change)](temp); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	return f
}

func (f *flipper) stop() {
	close(f.over)
	<-f.done
}

// inPlace returns what puts a thing that make makes at path, in one step.
func inPlace(path string, make func(temp string) error) func(temp string) error {
	return func(temp string) error {
		if err := make(temp); err != nil {
			return err
		}
		return os.Rename(temp, path)
	}
}

// A race goes on until each side has been seen raceOpens times and there were
// raceFlips, or for raceTime.
const (
	raceOpens = 500
	raceFlips = 100
	raceTime  = 10 * time.Second
)

// openInRace opens a name again and again, and checks what it gets.
func openInRace(t *testing.T, r *root, name, want string, f *flipper) {
	t.Helper()
	defer f.stop()
	opened, refused := 0, 0
	enough := func() bool { return min(opened, refused) >= raceOpens && f.times.Load() >= raceFlips }
	for end := time.Now().Add(raceTime); time.Now().Before(end) && !enough(); {
		f, err := openSoon(t, r, name)
		if err != nil {
			refused++
			continue
		}
		opened++
		got := make([]byte, f.stamp.Size)
		if err := f.readAt(got, 0); err != nil || string(got) != want {
			t.Fatalf("%q was read, %v; want %q", got, err, want)
		}
		f.close()
	}
	if !enough() {
		t.Errorf("no race: %d flips, opened %d times, refused %d times", f.times.Load(), opened, refused)
	}
	if n := r.open.Load(); n != 0 {
		t.Errorf("%d files are counted as open", n)
	}
}

// TestALinkThatFlips: a link leads inside and outside by turns; what is read is
// what is inside.
func TestALinkThatFlips(t *testing.T) {
	r, dir := servedTree(t)
	path := filepath.Join(dir, "link")
	link := func(target string) func(string) error {
		return inPlace(path, func(temp string) error { return os.Symlink(target, temp) })
	}
	openInRace(t, r, "link", "root/good", flip(t, link("good"), link("../secret")))
}

// TestADirectoryThatFlips: so does a directory on the way.
func TestADirectoryThatFlips(t *testing.T) {
	r, dir := servedTree(t)
	if err := os.WriteFile(filepath.Join(dir, "..", "deep"), []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "way")
	link := func(target string) func(string) error {
		return inPlace(path, func(temp string) error { return os.Symlink(target, temp) })
	}
	openInRace(t, r, "way/deep", "root/sub/deep", flip(t, link("sub"), link("..")))
}

// TestAFIFOThatFlips: a FIFO and a file take turns; nothing is waited for.
func TestAFIFOThatFlips(t *testing.T) {
	r, dir := servedTree(t)
	path := filepath.Join(dir, "flip")
	openInRace(t, r, "flip", "a file", flip(t,
		inPlace(path, func(temp string) error { return os.WriteFile(temp, []byte("a file"), 0o644) }),
		inPlace(path, func(temp string) error { return unix.Mkfifo(temp, 0o644) })))
}

// TestFilesWithoutASize: the kernel's files say that they are empty, and are not.
func TestFilesWithoutASize(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip(err)
	}
	r, err := openRoot("/proc", secure.PublicKey{1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for _, name := range []string{"self/status", "self/mem", "kmsg", "mounts", "self/fd/0", "version"} {
		if f, err := openSoon(t, r, name); err == nil {
			f.close()
			t.Errorf("%q was opened", name)
		}
	}
	if _, err := openSoon(t, r, "version"); !errors.Is(err, errNoSize) {
		t.Errorf("%v, want %v", err, errNoSize)
	}
	if n := r.open.Load(); n != 0 {
		t.Errorf("%d files are counted as open", n)
	}
}

func TestEmptyFilesAreServed(t *testing.T) {
	r, dir := servedTree(t)
	if err := os.WriteFile(filepath.Join(dir, "empty"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := openSoon(t, r, "empty")
	if err != nil || f.stamp.Size != 0 {
		t.Fatalf("%+v, %v", f, err)
	}
	f.close()
}

// TestDescriptors: a server whose opens are refused in every way holds none.
func TestDescriptors(t *testing.T) {
	count := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(list)
	}
	r, dir := servedTree(t)
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := count()
	for range 10 {
		for _, name := range append(oddNames(), "fifo", "sub") {
			if f, err := r.take(name); err == nil {
				f.close()
			}
		}
	}
	if after := count(); after > before+5 { // the runtime may open some
		t.Errorf("%d descriptors, before %d", after, before)
	}
}
