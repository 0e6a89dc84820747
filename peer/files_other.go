//go:build !unix && !windows

package peer

import (
	"math"
	"os"
)

const (
	openNonblock = 0
	notInNames   = ""
)

func stampOf(f *os.File) (stamp, error) {
	info, err := f.Stat()
	if err != nil {
		return stamp{}, err
	}
	return stamp{Size: info.Size(), Modified: info.ModTime().UnixNano()}, nil
}

// descriptorLimit returns how many files this process may have open: the system
// says when they run out.
func descriptorLimit() uint64 { return math.MaxInt32 }
