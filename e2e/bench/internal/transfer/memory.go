package transfer

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// reclaimDelay is longer than Linux waits before it offers memory that was
// freed to the host of a virtual machine: 2 s (PAGE_REPORTING_DELAY of
// mm/page_reporting.c).
const reclaimDelay = 2500 * time.Millisecond

// warmMemory takes as much memory as the copy will need, waits until what others
// freed has gone to the host, and frees it, for the client that is started next.
// Memory that the host has taken comes back page by page, at a cost of up to two
// seconds for a GiB, which would be counted as that client's.
func warmMemory(dir string, size int64) error {
	path := filepath.Join(dir, "memory")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, zeros{}, size)
	time.Sleep(reclaimDelay)
	return errors.Join(err, f.Close(), os.Remove(path))
}

// zeros is an endless file of zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
