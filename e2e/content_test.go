package e2e

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// pattern is a file in which each aligned 8 bytes tell their position.
type pattern struct{ next uint64 }

// Read implements io.Reader; p must be a multiple of 8 bytes long.
func (r *pattern) Read(p []byte) (int, error) {
	for i := 0; i+8 <= len(p); i += 8 {
		binary.LittleEndian.PutUint64(p[i:], mix(r.next))
		r.next++
	}
	return len(p) &^ 7, nil
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, 2014): neighbours
// have nothing in common.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// patternBuffer is read at a time: a multiple of 8.
const patternBuffer = 1 << 16

// writePattern makes a file of size bytes.
func writePattern(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(f, bufio.NewReaderSize(&pattern{}, patternBuffer), size); err != nil {
		return err
	}
	return f.Close()
}

// comparePattern returns where the file at path differs from what writePattern
// makes.
func comparePattern(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return compare(f, io.LimitReader(bufio.NewReaderSize(&pattern{}, patternBuffer), size))
}

// compare returns where got differs from want.
func compare(got, want io.Reader) error {
	a, b := make([]byte, patternBuffer), make([]byte, patternBuffer)
	for offset := int64(0); ; {
		n, errGot := io.ReadFull(got, a)
		m, errWant := io.ReadFull(want, b)
		for i := range min(n, m) {
			if a[i] != b[i] {
				return fmt.Errorf("byte %d is %#x, want %#x", offset+int64(i), a[i], b[i])
			}
		}
		if n != m {
			return fmt.Errorf("one ends at %d, the other at %d", offset+int64(n), offset+int64(m))
		}
		if errGot != nil || errWant != nil {
			return firstRealError(errGot, errWant)
		}
		offset += int64(n)
	}
}

// firstRealError returns the first error that is not the end of the input.
func firstRealError(errs ...error) error {
	for _, err := range errs {
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
	}
	return nil
}
