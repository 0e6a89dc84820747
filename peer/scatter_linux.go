package peer

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"chunkcp/proto"
)

// readParts fills parts, one after the other, with the bytes of file from offset
// on: at most proto.MaxBurst parts. It is one call, preadv(2), and
// allocates nothing, as x/sys does.
func readParts(file *os.File, parts [][]byte, offset int64) error {
	var iovs [proto.MaxBurst]unix.Iovec
	for i, p := range parts {
		iovs[i].Base = unsafe.SliceData(p)
		iovs[i].SetLen(len(p))
	}
	// The second half of the offset is for systems of 32 bits.
	n, _, errno := unix.Syscall6(unix.SYS_PREADV, file.Fd(), uintptr(unsafe.Pointer(&iovs)), uintptr(len(parts)),
		uintptr(offset), uintptr(offset>>32), 0)
	runtime.KeepAlive(file)
	if errno != 0 {
		n = 0 // the next call says what it is, or was interrupted only
	}
	return readRest(file, parts, offset, int(n))
}
