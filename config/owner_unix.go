//go:build unix

package config

import (
	"io/fs"
	"syscall"
)

// owner returns the user whose file it is.
func owner(info fs.FileInfo) (uid uint32, known bool) {
	st, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return st.Uid, true
}
