package peer

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/diskmodel"
	"chunkcp/internal/netsim"
	"chunkcp/internal/partfile"
	"chunkcp/internal/tree"
)

const (
	diskDest    = "/d/out.bin"
	diskPart    = "/d/.out.bin.chunkcp-part"
	diskJournal = "/d/.out.bin.chunkcp-journal"
	diskOld     = "what was there before"

	diskSize   = 3<<20 + 77
	diskPieces = 4
)

// inDiskWorld runs a test with two servers from which a fetch takes six
// seconds, and as many checkpoints, in few datagrams.
func inDiskWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	link := netsim.Link{Rate: 330_000, Delay: 4 * time.Millisecond, MTU: 9000} // no two events at once
	inWorld(t, 1, 2, diskSize, link, func(w *world) {
		link.Rate = 230_000
		w.net.SetPath(w.client.Addr(), w.servers[1].host.Addr(), link)
		test(w)
	})
}

// watchedDisk is a disk of which is known what must survive a crash.
type watchedDisk struct {
	*diskmodel.Disk
	old bool // there is an old file

	mu      sync.Mutex
	synced  string         // the journal, when it was synced last
	named   bool           // its name has been synced too
	safe    string         // the journal that survives
	written map[int64]bool // pieces that were written
}

func newWatchedDisk(d *diskmodel.Disk, old bool) *watchedDisk {
	return &watchedDisk{Disk: d, old: old, written: map[int64]bool{}}
}

// startDisk returns a disk on which there is an old file, or none.
func startDisk(old bool) *watchedDisk {
	d := diskmodel.New()
	if old {
		d.Put(diskDest, diskOld)
	}
	return newWatchedDisk(d, old)
}

// boot returns what is there after a crash.
func (d *watchedDisk) boot(rng *rand.Rand) *watchedDisk {
	after := newWatchedDisk(d.Crash(rng), d.old)
	after.safe = d.safe
	return after
}

func (d *watchedDisk) Open(name string) (partfile.File, error) {
	f, err := d.Disk.Open(name)
	if err != nil {
		return nil, err
	}
	return watchedFile{f, d, name}, nil
}

func (d *watchedDisk) OpenDir(name string) (partfile.Dir, error) {
	dir, err := d.Disk.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return watchedDir{dir, d}, nil
}

type watchedFile struct {
	partfile.File
	disk *watchedDisk
	path string
}

func (f watchedFile) WriteAt(b []byte, off int64) (int, error) {
	if f.path == diskPart {
		f.disk.mu.Lock()
		f.disk.written[assign.PieceIndex(off)] = true
		f.disk.mu.Unlock()
	}
	return f.File.WriteAt(b, off)
}

func (f watchedFile) Sync() error {
	err := f.File.Sync()
	if err == nil && f.path == diskJournal {
		text, _ := f.disk.Content(diskJournal)
		f.disk.mu.Lock()
		defer f.disk.mu.Unlock()
		if f.disk.synced = text; f.disk.named {
			f.disk.safe = text
		}
	}
	return err
}

type watchedDir struct {
	partfile.Dir
	disk *watchedDisk
}

func (d watchedDir) Sync() error {
	err := d.Dir.Sync()
	if err == nil {
		d.disk.mu.Lock()
		defer d.disk.mu.Unlock()
		d.disk.named = true
		d.disk.safe = d.disk.synced
	}
	return err
}

// recorded returns the pieces that a journal names, with their hashes.
func recorded(t *testing.T, journal string) map[int64]tree.Hash {
	t.Helper()
	if journal == "" {
		return nil
	}
	d := diskmodel.New()
	d.Put(diskJournal, journal)
	d.Put(diskPart, "not empty")
	p, err := partfile.Create(diskDest, diskSize, partfile.Option{FS: d})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	pieces := map[int64]tree.Hash{}
	for _, r := range p.Resumed() {
		pieces[r.Piece] = r.Hash
	}
	return pieces
}

// final says what is under the final name: "" for nothing, "old", "whole", or
// what must not be.
func (d *watchedDisk) final(w *world) string {
	text, ok := d.Content(diskDest)
	switch {
	case !ok:
		return ""
	case text == diskOld:
		return "old"
	case text == string(w.content):
		return "whole"
	}
	return "a part of the file"
}

// untouched reports whether the final name shows what it showed at first.
func (d *watchedDisk) untouched(w *world) bool {
	return d.final(w) == map[bool]string{true: "old"}[d.old]
}

// fetchTo runs a fetch to a disk.
func (w *world) fetchTo(d *watchedDisk) (*Fetch, error) {
	w.t.Helper()
	o := w.options()
	o.Out, o.Disk = diskDest, d
	f, _, err := w.run(o)
	return f, err
}

// goesOn runs a fetch on what an earlier one has left, which must succeed and
// write no piece that a checkpoint has saved.
func (w *world) goesOn(d *watchedDisk) (resumed int64) {
	w.t.Helper()
	safe := recorded(w.t, d.safe)
	clear(d.written)
	d.Fault = nil
	f, err := w.fetchTo(d)
	if err != nil || d.final(w) != "whole" {
		w.t.Fatalf("the next fetch: %v, and the file is %q", err, d.final(w))
	}
	for i := range safe {
		if d.written[i] {
			w.t.Errorf("piece %d was saved, and fetched again", i)
		}
		resumed += assign.PieceRange(i, diskSize).Len()
	}
	if s := f.Snapshot(); s.Resumed < resumed || s.Resumed > diskSize || s.Done != diskSize {
		w.t.Errorf("%d bytes were resumed of %d that were saved, %d are done", s.Resumed, resumed, s.Done)
	}
	if names := d.Names(); len(names) != 1 || d.Opened() != 0 {
		w.t.Errorf("left: %v, %d open", names, d.Opened())
	}
	return resumed
}

func isJournalCall(c diskmodel.Call) bool { return strings.HasSuffix(c.Path, ".chunkcp-journal") }

// randomSeed returns the seed of a random test: $CHUNKCP_SEED, or a new one.
func randomSeed(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv("CHUNKCP_SEED"), 10, 64)
	if err != nil {
		n = rand.Uint64()
	}
	t.Logf("CHUNKCP_SEED=%d", n)
	return n
}

// checkSaved makes sure that what was saved is on the disk.
func (w *world) checkSaved(d *watchedDisk, safe map[int64]tree.Hash) {
	w.t.Helper()
	journal, _ := d.Content(diskJournal)
	part, _ := d.Content(diskPart)
	found := recorded(w.t, journal)
	for i, h := range safe {
		r := assign.PieceRange(i, diskSize)
		if found[i] != h || int64(len(part)) < r.End || part[r.Start:r.End] != string(w.content[r.Start:r.End]) {
			w.t.Errorf("piece %d was saved, and did not survive the crash", i)
		}
	}
}
