package secure

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// What others than a file's owner may have no permission to do (chmod(2)).
const (
	anyAccess   fs.FileMode = 0o077 // on a secret: anything
	writeAccess fs.FileMode = 0o022 // on what is believed: change it
)

// openRegular opens a small file that must be a regular one, without waiting for
// the other end of a FIFO that is in its place. It must belong to this process's user
// or to root, and so must its directory. forbidden are the permissions
// that others may not have, as holds says of the file what they would gain.
func openRegular(path string, forbidden fs.FileMode, holds string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat() // of the file that is read, whatever path names by now
	if err == nil {
		err = checkFile(path, info, forbidden, holds)
	}
	if err == nil {
		err = checkParent(path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkFile(path string, info fs.FileInfo, forbidden fs.FileMode, holds string) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file; name another path", path)
	}
	if uid, is := foreign(info); is {
		return fmt.Errorf("%s belongs to another user (uid %d), who may change it, and %s; put a copy of your own in its place", path, uid, holds)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&forbidden != 0 {
		return fmt.Errorf("%s is open to other users (mode %#o) and %s; run: chmod %o %s",
			path, mode, holds, mode&^(forbidden|0o111)|0o600, quote(path))
	}
	return nil
}

// checkParent refuses a directory in which others may put another file in the
// place of ours. Where the directory is sticky only its owner may (chmod(2)).
func checkParent(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if uid, is := foreign(info); is {
		return fmt.Errorf("another user (uid %d) may replace %s, because its directory %s is theirs; keep it in one of your own", uid, path, dir)
	}
	if mode := info.Mode(); runtime.GOOS != "windows" && mode&writeAccess != 0 && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("other users may replace %s, because its directory can be written to by them (mode %#o); run: chmod go-w %s",
			path, mode.Perm(), quote(dir))
	}
	return nil
}

// quote returns a path as a POSIX shell takes it (section 2.2.2).
func quote(path string) string {
	plain := func(r rune) bool {
		return r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("0123456789_./+:@%,=-", r))
	}
	if path != "" && path[0] != '-' && !strings.ContainsFunc(path, func(r rune) bool { return !plain(r) }) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
