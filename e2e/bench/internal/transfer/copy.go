package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// compareSize is how much is compared at once; arbitrary.
const compareSize = 1 << 20

// compare returns the length of the copy, and an error if it is not the source.
func compare(source, copied string) (int64, error) {
	a, err := os.Open(source)
	if err != nil {
		return 0, err
	}
	defer a.Close()
	b, err := os.Open(copied)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	bufA, bufB := make([]byte, compareSize), make([]byte, compareSize)
	var at int64
	for {
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return at + int64(m), fmt.Errorf("the copy differs from the source behind byte %d", at)
		}
		at += int64(n)
		if errA != nil || errB != nil {
			// Both ended at once, or one could not be read.
			return at, errors.Join(notEnd(errA), notEnd(errB))
		}
	}
}

func notEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

// stored returns how many bytes the files in a directory have, without holes.
func stored(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // what is gone is not there
		}
		if info, err := d.Info(); err == nil {
			sum += min(info.Size(), allocated(info))
		}
		return nil
	})
	return sum
}
