package peer

import (
	"bytes"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/diskmodel"
	"chunkcp/internal/netsim"
	"chunkcp/internal/partfile"
)

// writtenDisk is a disk that tells who writes to the part file before they do.
type writtenDisk struct {
	*diskmodel.Disk
	before func(session bool) // else one of the writers
}

func (d *writtenDisk) Open(name string) (partfile.File, error) {
	f, err := d.Disk.Open(name)
	return writtenFile{f, d, name}, err
}

type writtenFile struct {
	partfile.File
	disk *writtenDisk
	path string
}

func (f writtenFile) WriteAt(b []byte, offset int64) (int, error) {
	if f.path == diskPart {
		f.disk.before(bytes.Contains(debug.Stack(), []byte("holdSession")))
	}
	return f.File.WriteAt(b, offset)
}

// TestWhoWrites: sessions write themselves where bytes come fast and as long as
// the disk is quick; one that is not keeps them waiting only once in a while, and
// never where bytes do not come fast.
func TestWhoWrites(t *testing.T) {
	heavy(t)
	const size = 40 << 20
	fast := netsim.Link{Rate: 125_000_000, Delay: 100 * time.Microsecond, MTU: 9000, Queue: 1 << 20}
	slow := netsim.Link{Rate: 25_000_000, Delay: 5 * time.Millisecond, MTU: 9000, Queue: 2 << 20}
	for name, tc := range map[string]struct {
		link        netsim.Link
		takes       time.Duration
		least, most int64 // pieces that sessions write
		longest     time.Duration
	}{
		"fast, a quick disk": {fast, 0, 39, 40, time.Second},
		"fast, a slow disk":  {fast, 300 * time.Millisecond, 1, 2, 5 * time.Second}, // 3 s in four writers, 12 s in one session
		"slow, a quick disk": {slow, 0, 0, 0, 2 * time.Second},
		"slow, a slow disk":  {slow, 300 * time.Millisecond, 0, 0, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 1, size, tc.link, func(w *world) {
				var sessions, workers atomic.Int64
				o := w.options()
				o.Out, o.Disk = diskDest, &writtenDisk{diskmodel.New(), func(session bool) {
					if session {
						sessions.Add(1)
					} else {
						workers.Add(1)
					}
					time.Sleep(tc.takes)
				}}
				_, took, err := w.run(o)
				if err != nil {
					t.Fatal(err)
				}
				mine, others := sessions.Load(), workers.Load()
				t.Logf("%v; %d pieces by sessions, %d by writers", took, mine, others)
				if mine+others != size/assign.PieceBytes || mine < tc.least || mine > tc.most || took > tc.longest {
					t.Errorf("%v; %d pieces by sessions, %d by writers", took, mine, others)
				}
			})
		})
	}
}
