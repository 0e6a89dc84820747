//go:build unix

package peer

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"chunkcp/internal/assign"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/internal/treecache"
	"chunkcp/proto"
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

// setBack writes to a file as somebody does who then sets its time back, until the
// system's time of change has moved on: its clock may tick as slowly as 100 Hz.
func setBack(t *testing.T, path string, content []byte) {
	t.Helper()
	before := stampAt(t, path)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		old := time.Unix(0, before.Modified)
		if err := errors.Join(os.WriteFile(path, content, 0o644), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
		if after := stampAt(t, path); after.Changed != before.Changed {
			if !after.sameBytes(before) {
				t.Fatalf("%+v, then %+v: the time was not set back", before, after)
			}
			return
		}
	}
	t.Fatal("the system's time of change stays as it is")
}

func stampAt(t *testing.T, path string) stamp {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := stampOf(f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestHashesOfAFileWhoseTimeWasSetBack: a server starts again, and hashes nothing
// that it has hashed before. Other bytes with the same size and time are hashed.
func TestHashesOfAFileWhoseTimeWasSetBack(t *testing.T) {
	const pieces = minCached/assign.PieceBytes + 1
	r := rootOf(t, minCached+100)
	cache, err := treecache.Open(filepath.Join(t.TempDir(), "trees"), 0)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.dir.Name(), "a")
	content, old := positioned(minCached+100), time.Unix(1e9, 0)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	// The cache takes no file that the system has changed in the last seconds.
	longAgo := stampAt(t, path).Changed - int64(time.Hour)
	hash := func(changed func(*stamp)) (root tree.Hash, read int64) {
		t.Helper()
		var count atomic.Int64
		h := newHashing(ServeOptions{Log: zap.NewNop(), Trees: cache, hashPause: func() { count.Add(1) }}, &crashes{log: zap.NewNop()})
		f, err := r.take("a")
		if err != nil {
			t.Fatal(err)
		}
		defer f.close()
		changed(&f.stamp)
		f.tree = h.use(f)
		h.watch(context.Background(), f.tree, &serverSession{wake: make(chan struct{}, 1)}, f, 0)
		h.running.Wait()
		root, known := h.rootOf(f.tree)
		if !known {
			t.Fatal("it has not been hashed")
		}
		return root, count.Load()
	}
	wantHash := func(what string, content []byte, changed func(*stamp), pieces int64) {
		t.Helper()
		root, read := hash(changed)
		if want, _ := listOf(content).Root(); root != want || read != pieces {
			t.Errorf("%s: %d pieces were read, want %d; the root is right: %v", what, read, pieces, root == want)
		}
	}
	since := func(s *stamp) { s.Changed = longAgo }
	wantHash("at first", content, since, pieces)
	wantHash("after a restart", content, since, 0)
	setBack(t, path, other(content))
	wantHash("after the time was set back", other(content), func(*stamp) {}, pieces)
	wantHash("as it was just changed, it is not remembered", other(content), func(*stamp) {}, pieces)
}

// TestAFileThatGetsAnotherName, or mode, while it is served is what it was.
func TestAFileThatGetsAnotherName(t *testing.T) {
	r, dir := servedTree(t)
	f, err := r.take("good")
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	path := filepath.Join(dir, "good")
	for name, change := range map[string]func() error{
		"link": func() error { return os.Link(path, path+"2") },
		"mode": func() error { return os.Chmod(path, 0o600) },
		"name": func() error { return os.Rename(path, path+"3") },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, f.stamp.Size)
		if err := f.readAt(got, 0); err != nil || string(got) != "root/good" {
			t.Errorf("after another %s: %q, %v", name, got, err)
		}
		if name == "name" {
			path += "3"
		}
	}
}

// A file whose end no segment can name is not begun.
func TestOpenATooLongFile(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "chunkcp") // of the file systems there are, one that takes it
	if err != nil {
		t.Skip(err)
	}
	defer os.RemoveAll(dir)
	for name, size := range map[string]int64{"longest": proto.MaxFileBytes, "too long": proto.MaxFileBytes + 1} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Skip(err)
		}
	}
	r, err := openRoot(dir, secure.PublicKey{1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	f, err := openSoon(t, r, "longest")
	if err != nil {
		t.Fatal(err)
	}
	f.close()
	if _, err := openSoon(t, r, "too long"); !errors.Is(err, errFileLength) || openFailure(err) != proto.FailRefused {
		t.Errorf("%v, want %v", err, errFileLength)
	}
}
