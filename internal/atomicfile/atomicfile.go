// Package atomicfile replaces small files in one step.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Write puts a file with mode 0600 at path: a reader, or a machine
// that comes up after a power failure, finds the old contents or the new.
func Write(path string, data []byte) error {
	dir := filepath.Dir(path)
	temp, err := writeTemp(dir, "."+filepath.Base(path)+".*.tmp", data)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return syncDir(dir)
}

// writeTemp writes data through to the disk, in a new file of dir, and returns its name.
func writeTemp(dir, pattern string, data []byte) (string, error) {
	f, err := os.CreateTemp(dir, pattern) // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// syncDir makes a rename in dir outlast a power failure, where the platform
// and the file system can flush a directory.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // what fsync(2) says of a file system that cannot
	}
	return errors.Join(err, d.Close())
}
