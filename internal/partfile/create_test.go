package partfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestSecondFetchOfOneDestinationIsRefused(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	first := create(t, dest, 3, Option{})
	write(t, first, "1st")
	_, err := Create(dest, 3, Option{})
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("second Create = %v, want ErrLocked", err)
	}
	if got, want := err.Error(), "lock "+partPath(dest)+": another fetch is writing this file"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	wantContent(t, partPath(dest), "1st")

	if err := first.Commit(); err != nil {
		t.Fatal(err)
	}
	create(t, dest, 3, Option{})
}

// meddler lets somebody act between the open of the part file and its lock.
type meddler struct {
	osFS
	meddle func()
	opens  int
}

func (m *meddler) Open(name string) (File, error) {
	m.opens++
	f, err := m.osFS.Open(name)
	m.meddle()
	return f, err
}

// The holder ends between the open and the lock of the next fetch, whose lock
// is then on the committed file. Writing to it would change a finished file.
func TestHolderCommitsBetweenOpenAndLock(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	holder := create(t, dest, 3, Option{})
	write(t, holder, "1st")
	disk := &meddler{}
	disk.meddle = func() {
		if disk.opens > 1 {
			return
		}
		if err := holder.Commit(); err != nil {
			t.Error(err)
		}
	}
	next := create(t, dest, 3, Option{FS: disk})
	write(t, next, "2nd")
	wantContent(t, dest, "1st")
	if disk.opens != 2 {
		t.Errorf("%d opens, want 2", disk.opens)
	}
	if err := next.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dest, "2nd")
}

func TestHolderDiscardsBetweenOpenAndLock(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	holder := create(t, dest, 3, Option{})
	disk := &meddler{}
	disk.meddle = func() {
		if disk.opens > 1 {
			return
		}
		if err := holder.Discard(); err != nil {
			t.Error(err)
		}
	}
	next := create(t, dest, 3, Option{FS: disk})
	write(t, next, "2nd")
	if err := next.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dest, "2nd")
}

// A third fetch is there first: the lock of the second is on a file that has
// no name any more.
func TestThirdFetchBetweenOpenAndLock(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	holder := create(t, dest, 3, Option{})
	disk := &meddler{}
	disk.meddle = func() {
		if disk.opens > 1 {
			return
		}
		if err := holder.Discard(); err != nil {
			t.Error(err)
		}
		create(t, dest, 3, Option{})
	}
	if _, err := Create(dest, 3, Option{FS: disk}); !errors.Is(err, ErrLocked) {
		t.Errorf("Create = %v, want ErrLocked", err)
	}
}

func TestPartFileThatIsNeverOursIsGivenUp(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	disk := &meddler{}
	disk.meddle = func() {
		if err := os.Remove(partPath(dest)); err != nil {
			t.Error(err)
		}
	}
	if _, err := Create(dest, 3, Option{FS: disk}); !errors.Is(err, ErrLocked) {
		t.Errorf("Create = %v, want ErrLocked", err)
	}
	if disk.opens != maxTakeovers {
		t.Errorf("%d opens, want %d", disk.opens, maxTakeovers)
	}
}

// A commit without rename-no-replace that was killed half-way leaves the final
// file under both names.
func TestPartFileWithASecondNameIsNotWritten(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	put(t, dest, "1st")
	if err := os.Link(dest, partPath(dest)); err != nil {
		t.Skip("no hard links here:", err)
	}
	p := create(t, dest, 3, Option{})
	write(t, p, "2nd")
	wantContent(t, dest, "1st")
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dest, "2nd")
}

func TestDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	sep := string(filepath.Separator)
	for _, dest := range []string{dir, dir + sep, filepath.Join(dir, "new") + sep, dir + sep + ".", dir + sep + "..", ".", ""} {
		if _, err := Create(dest, 1, Option{}); !errors.Is(err, syscall.EISDIR) {
			t.Errorf("Create(%q) = %v, want EISDIR", dest, err)
		}
	}
	wantNames(t, dir)
}

func TestMissingDirectoryIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	_, err := Create(filepath.Join(dir, "file"), 1, Option{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Create = %v, want ErrNotExist", err)
	}
	if want := "open the directory " + dir + ": "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %q, want the prefix %q", err, want)
	}
}

func TestFileInPlaceOfDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, "old")
	if _, err := Create(filepath.Join(file, "x"), 1, Option{}); !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Create below a file = %v, want ENOTDIR", err)
	}
	wantContent(t, file, "old")
}

func TestNegativeSize(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(filepath.Join(dir, "file"), -1, Option{}); err == nil {
		t.Error("Create with size -1 succeeded")
	}
	wantNames(t, dir)
}

func TestLongestName(t *testing.T) {
	dir := t.TempDir()
	a := strings.Repeat("n", maxName)
	b := strings.Repeat("n", maxName-1) + "m"
	if partPath(a) == partPath(b) {
		t.Fatalf("%d-byte names share the part file %s", maxName, partPath(a))
	}
	p := create(t, filepath.Join(dir, a), 3, Option{})
	write(t, p, "new")
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, a)
}

func TestPartPath(t *testing.T) {
	fits := strings.Repeat("a", 241)
	for _, c := range []struct{ dest, want string }{
		{"/a/b", "/a/.b.chunkcp-part"},
		{"b", ".b.chunkcp-part"},
		{fits, "." + fits + ".chunkcp-part"},
		// Too long, and the cut would be in the middle of a two-byte letter.
		{"n" + strings.Repeat("\u00e9", 125), ".n" + strings.Repeat("\u00e9", 111) + "-e6b7bc405f07af0c.chunkcp-part"},
	} {
		got := filepath.ToSlash(partPath(c.dest))
		if got != c.want || len(filepath.Base(got)) > maxName {
			t.Errorf("partPath(%q) = %q, want %q", c.dest, got, c.want)
		}
	}
}
