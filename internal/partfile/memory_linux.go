package partfile

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const blockBytes = 512 // unit of st_blocks, stat(2)

// memorySpace returns how many more bytes a file may come to hold where it is, if
// that is tmpfs. There, to reserve space is to make each page of it: 75 ms for
// 1 GiB, a tenth of what it takes to fetch it, in which nothing is fetched.
func memorySpace(f *os.File) (bytes uint64, ok bool) {
	var st unix.Statfs_t
	for {
		err := unix.Fstatfs(int(f.Fd()), &st)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || st.Type != unix.TMPFS_MAGIC || st.Blocks == 0 { // none: without a limit
			return 0, false
		}
		return st.Bavail * uint64(st.Bsize), true
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
