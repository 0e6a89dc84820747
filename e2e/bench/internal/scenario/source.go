package scenario

import (
	"bufio"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"chunkcp/e2e/bench/internal/tool"
)

// source makes the directory of a scenario, and in it a file of so many bytes
// that cannot be compressed. The caller removes the directory.
func (s Settings) source(bytes int64) (dir string, _ tool.Source, _ error) {
	dir = filepath.Join(s.Dir, "scenario")
	src := tool.Source{Root: filepath.Join(dir, "root"), Name: "file.bin"}
	if err := os.MkdirAll(src.Root, 0o755); err != nil {
		return dir, src, err
	}
	f, err := os.Create(src.Path())
	if err != nil {
		return dir, src, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, err = io.CopyN(w, rand.NewChaCha8([32]byte{}), bytes)
	return dir, src, errors.Join(err, w.Flush(), f.Close())
}
