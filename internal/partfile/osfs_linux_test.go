package partfile

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
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
	if statfs(emptyFile(t)).Type == unix.TMPFS_MAGIC {
		t.Skip("files are in memory here")
	}
	create(t, dest, size, Option{})
	info, err := os.Stat(partPath(dest))
	if err != nil {
		t.Fatal(err)
	}
	if got := holds(info); got < size {
		t.Errorf("%d of %d bytes reserved", got, size)
	}
}

// In memory a part file takes no more than what came, and one that does not fit
// is refused as on a disk.
func TestMemoryIsLookedAt(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "partfile")
	if err != nil {
		t.Skip("no tmpfs: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	probe, err := os.Create(filepath.Join(dir, "probe"))
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	disk := statfs(probe)
	if disk.Type != unix.TMPFS_MAGIC || disk.Blocks == 0 {
		t.Skip("/dev/shm is no tmpfs with a limit")
	}
	free := disk.Bavail * uint64(disk.Bsize)
	dest := filepath.Join(dir, "file")
	const size = 1 << 20
	p := create(t, dest, size, Option{})
	info, err := os.Stat(partPath(dest))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != size || holds(info) > size/2 {
		t.Errorf("a part file of %d bytes of which %d are held, want %d and next to none", info.Size(), holds(info), size)
	}
	if err := p.Discard(); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dest, int64(2*free), Option{}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Create of twice what is free = %v, want ENOSPC", err)
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
