//go:build !unix && !windows

package peer

import "os"

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
