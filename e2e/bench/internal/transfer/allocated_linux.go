package transfer

import (
	"io/fs"
	"syscall"
)

// allocated returns the bytes a file takes: less than its size if it has holes.
func allocated(info fs.FileInfo) int64 {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.Size()
	}
	return stat.Blocks * 512 // stat(2)
}
