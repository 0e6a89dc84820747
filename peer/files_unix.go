//go:build unix

package peer

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// openNonblock keeps open from waiting for the other end of a FIFO that took a
// regular file's place.
const openNonblock = unix.O_NONBLOCK

// notInNames are the characters that no path has but a slash: none.
const notInNames = ""

// stampOf allocates nothing: it is called for every burst.
func stampOf(f *os.File) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return stamp{}, os.NewSyscallError("fstat", err)
	}
	return stamp{
		Device: uint64(st.Dev), Inode: uint64(st.Ino), Size: st.Size,
		Modified: st.Mtim.Nano(), Changed: st.Ctim.Nano(),
	}, nil
}

// descriptorLimit returns how many files this process may have open. Go has
// raised it to what the system allows.
func descriptorLimit() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32 // the system says when they run out
	}
	return uint64(limit.Cur)
}
