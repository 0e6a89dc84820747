package peer

import (
	"math"
	"os"

	"golang.org/x/sys/windows"
)

const (
	openNonblock = 0

	// notInNames separates a file's name from that of one of its streams (NTFS),
	// and a drive's from a path.
	notInNames = ":"
)

func stampOf(f *os.File) (stamp, error) {
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info); err != nil {
		return stamp{}, os.NewSyscallError("GetFileInformationByHandle", err)
	}
	return stamp{
		Device:   uint64(info.VolumeSerialNumber),
		Inode:    uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow),
		Size:     int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow),
		Modified: info.LastWriteTime.Nanoseconds(),
	}, nil
}

// descriptorLimit returns how many files this process may have open: the system
// says when they run out.
func descriptorLimit() uint64 { return math.MaxInt32 }
