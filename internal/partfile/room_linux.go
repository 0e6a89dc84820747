package partfile

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// reservePart of a file system, and no more than maxReserve, is left free: how
	// long a file is somebody else has told, and other programs need the disk too.
	// Both arbitrary.
	reservePart = 100
	maxReserve  = 256 << 20

	blockBytes = 512 // unit of st_blocks, stat(2)
)

// checkRoom fails with ENOSPC if a file may not be made size bytes long on a disk.
// It is asked before any space is taken: to take all there is, and give it back,
// would fail other programs meanwhile. A disk that says nothing has room: the
// allocation will tell.
func checkRoom(disk *unix.Statfs_t, info os.FileInfo, size int64) error {
	unit := uint64(disk.Bsize)
	if !fits(uint64(size), holds(info), disk.Bavail*unit, disk.Blocks*unit) {
		return unix.ENOSPC
	}
	return nil
}

// statfs returns the disk that a file is on, a zero one if it is not known.
func statfs(f *os.File) *unix.Statfs_t {
	var disk unix.Statfs_t
	for {
		switch err := unix.Fstatfs(int(f.Fd()), &disk); {
		case err == nil:
			return &disk
		case !errors.Is(err, unix.EINTR):
			return new(unix.Statfs_t)
		}
	}
}

// holds returns how many bytes of space a file has.
func holds(info os.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return uint64(st.Blocks) * blockBytes
}

// fits reports whether a file that holds some bytes of a disk may have size, where
// free of all are left. A disk of none says nothing of itself.
func fits(size, held, free, all uint64) bool {
	if all == 0 || size <= held {
		return true
	}
	reserve := min(all/reservePart, maxReserve)
	return free >= reserve && size-held <= free-reserve
}
