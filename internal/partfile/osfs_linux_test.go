package partfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// No disk holds 4 EiB: the file system says so before anything is fetched.
func TestMoreThanTheDiskHolds(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	_, err := Create(dest, 1<<62, Option{})
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("Create of 4 EiB = %v, want ENOSPC or EFBIG", err)
	}
	wantNames(t, dir)

	// What an earlier run left is kept for a fetch that fits.
	put(t, partPath(dest), "left")
	if _, err := Create(dest, 1<<62, Option{}); err == nil {
		t.Fatal("Create of 4 EiB succeeded")
	}
	wantContent(t, partPath(dest), "left")
}

func TestSpaceIsReserved(t *testing.T) {
	const size = 1 << 20
	if f := emptyFile(t); errors.Is(fallocate(f, size), syscall.EOPNOTSUPP) {
		t.Skip("no fallocate on this file system")
	}
	dest := filepath.Join(t.TempDir(), "file")
	create(t, dest, size, Option{})
	info, err := os.Stat(partPath(dest))
	if err != nil {
		t.Fatal(err)
	}
	const blockSize = 512 // unit of st_blocks, stat(2)
	if got := info.Sys().(*syscall.Stat_t).Blocks * blockSize; got < size {
		t.Errorf("%d of %d bytes reserved", got, size)
	}
}

func emptyFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "empty"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
