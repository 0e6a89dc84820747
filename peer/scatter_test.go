package peer

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"chunkcp/proto"
)

// parted is a file of n bytes, each of which tells its place, and the parts of a
// burst: 64 of them, the last shorter.
func parted(t *testing.T, n int) (*os.File, [][]byte, func(offset int64)) {
	t.Helper()
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i*i>>8 ^ i)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	parts := make([][]byte, proto.MaxBurst)
	for i := range parts {
		parts[i] = make([]byte, 900)
	}
	parts[len(parts)-1] = parts[len(parts)-1][:77]
	return file, parts, func(offset int64) {
		t.Helper()
		for i, p := range parts {
			for j := range p {
				if p[j] != data[offset] {
					t.Fatalf("byte %d of part %d is %d, not %d", j, i, p[j], data[offset])
				}
				offset++
			}
		}
	}
}

func TestReadParts(t *testing.T) {
	file, parts, check := parted(t, 100_000)
	for _, offset := range []int64{0, 1, 12_345, 100_000 - 63*900 - 77} {
		if err := readParts(file, parts, offset); err != nil {
			t.Fatal(err)
		}
		check(offset)
	}
	if err := readParts(file, [][]byte{nil, {}}, 0); err != nil { // an empty file is hashed too
		t.Error(err)
	}
	// The end of the file comes early, in each of the parts.
	for cut := int64(1); cut < 63*900; cut += 899 {
		if err := readParts(file, parts, 100_000-cut); !errors.Is(err, io.EOF) {
			t.Fatalf("%d bytes before the end: %v, want EOF", cut, err)
		}
	}
	file.Close()
	if err := readParts(file, parts, 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed file: %v", err)
	}
}

// TestReadRest: a call may read less than it was asked for.
func TestReadRest(t *testing.T) {
	const offset = 321
	for _, n := range []int{0, 1, 899, 900, 901, 63 * 900, 63*900 + 76, 63*900 + 77} {
		file, parts, check := parted(t, 100_000)
		left := n // what came with the call
		for i, p := range parts {
			part := p[:min(len(p), left)]
			if len(part) > 0 {
				if _, err := file.ReadAt(part, offset+int64(900*i)); err != nil {
					t.Fatal(err)
				}
			}
			left -= len(part)
		}
		if err := readRest(file, parts, offset, n); err != nil {
			t.Fatal(err)
		}
		check(offset)
	}
}

func TestReadPartsAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if runtime.GOOS != "linux" {
		t.Skip("os.File.ReadAt is what it is")
	}
	file, parts, _ := parted(t, 100_000)
	if n := testing.AllocsPerRun(100, func() {
		if err := readParts(file, parts, 0); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
