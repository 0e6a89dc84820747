package diskmodel_test

import (
	"io"
	"math/rand/v2"
	"syscall"
	"testing"

	"chunkcp/internal/diskmodel"
	"chunkcp/internal/partfile"
)

func open(t *testing.T, d *diskmodel.Disk, name string) partfile.File {
	t.Helper()
	f, err := d.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, f partfile.File, text string, off int64) {
	t.Helper()
	if _, err := f.WriteAt([]byte(text), off); err != nil {
		t.Fatal(err)
	}
}

// boots returns how often each content of name is found over many crashes; a
// missing file is "-".
func boots(d *diskmodel.Disk, name string) map[string]int {
	found := map[string]int{}
	for i := range uint64(200) {
		text, ok := d.Crash(rand.New(rand.NewPCG(1, i))).Content(name)
		if !ok {
			text = "-"
		}
		found[text]++
	}
	return found
}

func wantBoots(t *testing.T, d *diskmodel.Disk, name string, want ...string) {
	t.Helper()
	got := boots(d, name)
	for _, w := range want {
		if got[w] == 0 {
			t.Errorf("no boot finds %q: %v", w, got)
		}
		delete(got, w)
	}
	if len(got) > 0 {
		t.Errorf("boots find %v too, beside %q", got, want)
	}
}

func TestUnsyncedWritesSurviveOnTheirOwn(t *testing.T) {
	d := diskmodel.New()
	d.Put("f", "ab")
	f := open(t, d, "f")
	write(t, f, "A", 0)
	write(t, f, "B", 1)
	wantBoots(t, d, "f", "ab", "Ab", "aB", "AB")
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	wantBoots(t, d, "f", "AB")
	write(t, f, "cd", 0)
	wantBoots(t, d, "f", "AB", "cB", "cd")
}

func TestNamesNeedTheirOwnSync(t *testing.T) {
	d := diskmodel.New()
	d.Put("old", "o")
	f := open(t, d, "new")
	write(t, f, "n", 0)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	wantBoots(t, d, "new", "-", "n")
	if err := d.Rename("new", "old"); err != nil {
		t.Fatal(err)
	}
	wantBoots(t, d, "old", "o", "n")
	dir, err := d.OpenDir(".")
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Sync(); err != nil {
		t.Fatal(err)
	}
	wantBoots(t, d, "old", "n")
	wantBoots(t, d, "new", "-")
}

// What a failed sync has lost is read until the crash, and no later sync brings
// it back.
func TestFailedSyncLosesForGood(t *testing.T) {
	d := diskmodel.New()
	d.Put("f", "ab")
	f := open(t, d, "f")
	write(t, f, "A", 0)
	d.Fault = func(_ int, c diskmodel.Call) error {
		if c == (diskmodel.Call{Op: diskmodel.Sync, Path: "f"}) {
			return syscall.EIO
		}
		return nil
	}
	if err := f.Sync(); err != syscall.EIO {
		t.Fatalf("Sync = %v, want EIO", err)
	}
	d.Fault = nil
	write(t, f, "B", 1)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3)
	if n, err := f.ReadAt(b, 0); string(b[:n]) != "AB" || err != io.EOF {
		t.Errorf("ReadAt = %q, %v; want AB and the end", b[:n], err)
	}
	wantBoots(t, d, "f", "aB")
}

// The sync that a crash comes before was not made.
func TestCrashIsNoFailedSync(t *testing.T) {
	d := diskmodel.New()
	d.Put("f", "a")
	f := open(t, d, "f")
	write(t, f, "A", 0)
	d.Fault = func(int, diskmodel.Call) error { return diskmodel.ErrCrashed }
	if err := f.Sync(); err != diskmodel.ErrCrashed {
		t.Fatalf("Sync = %v, want ErrCrashed", err)
	}
	wantBoots(t, d, "f", "a", "A")
}

func TestOpenFileOutlivesItsName(t *testing.T) {
	d := diskmodel.New()
	f := open(t, d, "f")
	if err := d.Remove("f"); err != nil {
		t.Fatal(err)
	}
	g := open(t, d, "f")
	write(t, f, "old", 0)
	write(t, g, "new", 0)
	if text, _ := d.Content("f"); text != "new" {
		t.Errorf("the name leads to %q, want new", text)
	}
	if d.Opened() != 2 || len(d.Names()) != 1 {
		t.Errorf("%d files open, names %v", d.Opened(), d.Names())
	}
}
