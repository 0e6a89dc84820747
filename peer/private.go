package peer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"chunkcp/internal/partfile"
)

// errPrivate is why a file of this program's own is not served. A client is told
// no more than that there is no such file.
var errPrivate = errors.New("a file of chunkcp's own, which is not served")

// private is what a server does not offer although it lies below the root: what
// chunkcp itself keeps, keys above all. A root may well hold the home directory,
// and the default root is where the server was started.
type private struct {
	paths []string // of files, and of directories whose files are meant
}

func newPrivate(paths []string) *private {
	paths = slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p == "" })
	slices.Sort(paths)
	return &private{slices.Compact(paths)}
}

// isPart reports whether name is that of a part file or its journal, of which it
// is not known whether their bytes are right.
func isPart(name string) bool { return partfile.IsOwnName(name[strings.LastIndexByte(name, '/')+1:]) }

// SetPrivate takes the place of ServeOptions.Private.
func (s *Server) SetPrivate(paths []string) { s.server.root.private.Store(newPrivate(paths)) }

// has reports whether an open file is a private one, whatever name or link has
// led to it. The paths are looked at each time, because some of the files are
// replaced by others while the server runs. What is not there is nobody's secret.
func (p *private) has(file fs.FileInfo) bool {
	if p == nil {
		return false
	}
	return slices.ContainsFunc(p.paths, func(path string) bool {
		info, err := os.Stat(path)
		if err != nil {
			return false
		}
		return os.SameFile(info, file) || info.IsDir() && hasFile(path, file)
	})
}

// hasFile reports whether a directory has the file.
func hasFile(dir string, file fs.FileInfo) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		return err == nil && os.SameFile(info, file)
	})
}
