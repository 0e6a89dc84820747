//go:build !linux

package peer

import "os"

// readParts fills parts, one after the other, with the bytes of file from offset
// on. Datagrams take a call each here, so that another for their bytes matters little.
func readParts(file *os.File, parts [][]byte, offset int64) error {
	return readRest(file, parts, offset, 0)
}
