//go:build unix

package secure

import (
	"io/fs"
	"os"
	"syscall"
)

// foreign returns whose file this is, if it is neither this process's user's nor
// root's: the owner may change it, whatever its mode says now (chmod(2)).
func foreign(info fs.FileInfo) (uid uint32, is bool) { return foreignTo(os.Geteuid(), info) }

func foreignTo(euid int, info fs.FileInfo) (uid uint32, is bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Uid, st.Uid != 0 && int(st.Uid) != euid
}
