package partfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"
)

const (
	partPrefix    = "."
	partSuffix    = ".chunkcp-part"
	journalSuffix = ".chunkcp-journal"

	// maxName is the longest name, in bytes, on the common file systems
	// (NAME_MAX of limits.h on Linux and macOS, 255 UTF-16 units on NTFS).
	maxName = 255

	// hashedName is how many bytes of its hash tell a shortened name from
	// others with the same beginning. Arbitrary: 64 bits.
	hashedName = 8
)

// errNotFile says why a device, FIFO or socket cannot be the destination: a
// rename would remove it and leave a file in its place.
var errNotFile = errors.New("not a regular file: give another name, or - for standard output")

// partPath returns the path of the part file for dest, journalPath that of the
// journal.
func partPath(dest string) string    { return pathBeside(dest, partSuffix) }
func journalPath(dest string) string { return pathBeside(dest, journalSuffix) }

// IsOwnName reports whether the file name is that of a part file or a journal, of
// whatever destination. Some systems take capitals for the same letters, and spaces
// and dots at the end for nothing (Windows).
func IsOwnName(name string) bool {
	name = strings.ToLower(strings.TrimRight(name, " ."))
	return strings.HasPrefix(name, partPrefix) && (strings.HasSuffix(name, partSuffix) || strings.HasSuffix(name, journalSuffix))
}

func pathBeside(dest, suffix string) string {
	dir, base := filepath.Dir(dest), filepath.Base(dest)
	if len(partPrefix)+len(base)+len(suffix) > maxName {
		base = shorten(base, maxName-len(partPrefix)-len(suffix))
	}
	return filepath.Join(dir, partPrefix+base+suffix)
}

// shorten cuts base to at most limit bytes, the last of them a hash of all of
// it. The cut keeps to valid UTF-8, which some file systems insist on.
func shorten(base string, limit int) string {
	sum := sha256.Sum256([]byte(base))
	tail := "-" + hex.EncodeToString(sum[:hashedName])
	end := limit - len(tail)
	for end > 0 && !utf8.RuneStart(base[end]) {
		end--
	}
	return base[:end] + tail
}

// checkDest refuses a destination that a rename must not replace. A link is
// replaced itself, but not one that leads to a directory or a device: whoever
// writes -o /dev/stdout does not mean the link of that name.
func checkDest(disk FS, dest string, noClobber bool) error {
	base := filepath.Base(dest)
	if dest == "" || os.IsPathSeparator(dest[len(dest)-1]) || base == "." || base == ".." {
		return pathError("create", dest, syscall.EISDIR)
	}
	info, err := disk.Lstat(dest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pathError("create", dest, err)
	}
	mode := info.Mode()
	if mode.Type() == fs.ModeSymlink {
		if target, err := disk.Stat(dest); err == nil {
			mode = target.Mode()
		} else {
			mode = 0 // leads nowhere: nothing is lost with it
		}
	}
	switch {
	case mode.IsDir():
		return pathError("create", dest, syscall.EISDIR)
	case !mode.IsRegular():
		return pathError("create", dest, errNotFile)
	case noClobber:
		return pathError("create", dest, ErrExists)
	}
	return nil
}
