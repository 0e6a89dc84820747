package peer

import "os"

// readRest fills parts with the bytes of file from offset on, of which the first
// n are there.
func readRest(file *os.File, parts [][]byte, offset int64, n int) error {
	for _, p := range parts {
		have := min(n, len(p))
		if have < len(p) {
			if _, err := file.ReadAt(p[have:], offset+int64(have)); err != nil {
				return err
			}
		}
		n -= have
		offset += int64(len(p))
	}
	return nil
}
