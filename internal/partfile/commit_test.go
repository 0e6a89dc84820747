package partfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestNoClobberRefusesAtTheStart(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	put(t, dest, "old")
	_, err := Create(dest, 3, Option{NoClobber: true})
	if !errors.Is(err, ErrExists) {
		t.Fatalf("Create = %v, want ErrExists", err)
	}
	if got, want := err.Error(), "create "+dest+": destination exists and is not to be replaced"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	wantNames(t, dir, "file")
}

// lateRival puts a file under the destination after every check for one.
type lateRival struct {
	osFS
	rival func(to string)
}

func (l lateRival) RenameNew(from, to string) error {
	l.rival(to)
	return l.osFS.RenameNew(from, to)
}

func TestNoClobberRefusesAtTheLastMoment(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	disk := lateRival{rival: func(to string) { put(t, to, "rival") }}
	p := create(t, dest, 3, Option{NoClobber: true, FS: disk})
	write(t, p, "new")
	if err := p.Commit(); !errors.Is(err, ErrExists) {
		t.Fatalf("Commit = %v, want ErrExists", err)
	}
	wantContent(t, dest, "rival")
	wantContent(t, partPath(dest), "new")
}

func TestNoClobberCommits(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	p := create(t, dest, 3, Option{NoClobber: true})
	write(t, p, "new")
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dest, "new")
	wantNames(t, dir, "file")
}

// Somebody removes the part file by hand and starts a second fetch: the first
// one must not give the second one's unfinished file the final name.
func TestPartFileReplacedUnderTheFetch(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	first := create(t, dest, 3, Option{})
	write(t, first, "1st")
	if err := os.Remove(partPath(dest)); err != nil {
		t.Fatal(err)
	}
	second := create(t, dest, 3, Option{})

	if err := first.Commit(); !errors.Is(err, errPartGone) {
		t.Fatalf("Commit = %v, want errPartGone", err)
	}
	wantNames(t, dir, ".file.chunkcp-part")

	write(t, second, "2nd")
	if err := second.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dest, "2nd")
}

// A destination that becomes a directory while the fetch runs.
func TestDirectoryAppearsUnderTheFetch(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 3, Option{})
	write(t, p, "new")
	if err := os.Mkdir(dest, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); err == nil {
		t.Fatal("Commit over a directory succeeded")
	}
	wantNames(t, dest)
	wantContent(t, partPath(dest), "new")
}
