package partfile_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"chunkcp/internal/diskmodel"
	"chunkcp/internal/partfile"
)

const (
	memDest = "/d/file"
	oldText = "what was there before"
)

// newText is the file that the tests fetch; its bytes depend on their position.
func newText() string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "line %02d\n", i)
	}
	return b.String()
}

// fetch writes newText in pieces, the last one first, and commits it.
func fetch(d *diskmodel.Disk, opt partfile.Option) error {
	const piece = 100
	text := newText()
	opt.FS = d
	p, err := partfile.Create(memDest, int64(len(text)), opt)
	if err != nil {
		return err
	}
	defer p.Close()
	for off := (len(text) - 1) / piece * piece; off >= 0; off -= piece {
		end := min(off+piece, len(text))
		// Commit must know of a failed write even if its caller forgets it.
		_, _ = p.WriteAt([]byte(text[off:end]), int64(off))
	}
	return p.Commit()
}

// before is a state of the destination that the faults are tried on.
var before = []struct {
	name string
	old  bool
	opt  partfile.Option
}{
	{"absent", false, partfile.Option{}},
	{"replaced", true, partfile.Option{}},
	{"absent, no clobber", false, partfile.Option{NoClobber: true}},
}

func startDisk(old bool) *diskmodel.Disk {
	d := diskmodel.New()
	if old {
		d.Put(memDest, oldText)
	}
	return d
}

// untouched tells whether the destination is as it was before the fetch.
func untouched(d *diskmodel.Disk, old bool) bool {
	text, ok := d.Content(memDest)
	return ok == old && (!ok || text == oldText)
}

// isJournal tells whether a call was made to the journal.
func isJournal(c diskmodel.Call) bool { return strings.HasSuffix(c.Path, ".chunkcp-journal") }

func whole(d *diskmodel.Disk) bool {
	text, _ := d.Content(memDest)
	return text == newText()
}

// seed returns the seed of a random test: $CHUNKCP_SEED, or a new one.
func seed(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv("CHUNKCP_SEED"), 10, 64)
	if err != nil {
		n = rand.Uint64()
	}
	t.Logf("CHUNKCP_SEED=%d", n)
	return n
}

func TestAnyFailingCallLeavesTheDestination(t *testing.T) {
	for _, b := range before {
		clean := startDisk(b.old)
		if err := fetch(clean, b.opt); err != nil || !whole(clean) {
			t.Fatalf("%s: fetch without a fault: %v", b.name, err)
		}
		for n, call := range clean.Calls() {
			for _, fault := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, diskmodel.ErrShort} {
				if fault == diskmodel.ErrShort && call.Op != diskmodel.Write {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d %s/%d", b.name, n+1, call.Op, int(fault)), func(t *testing.T) {
					failOne(t, startDisk(b.old), b.old, b.opt, n+1, fault)
				})
			}
		}
	}
}

// failOne fails call n of a fetch and checks what is left of it.
func failOne(t *testing.T, d *diskmodel.Disk, old bool, opt partfile.Option, n int, fault syscall.Errno) {
	failed := ""
	d.Fault = func(i int, call diskmodel.Call) error {
		if i != n {
			return nil
		}
		if failed = call.Op; isJournal(call) {
			failed = "journal"
		}
		return fault
	}
	err := fetch(d, opt)
	switch failed {
	case "":
		t.Fatal("the fault did not happen")
	case diskmodel.Close, diskmodel.CloseDir, "journal": // the work is done by then, or goes on without the journal
		if err != nil || !whole(d) {
			t.Fatalf("fetch = %v, whole %v; want success", err, whole(d))
		}
	case diskmodel.SyncDir:
		if !errors.Is(err, partfile.ErrUnsynced) || !errors.Is(err, fault) || !whole(d) {
			t.Fatalf("fetch = %v, whole %v; want ErrUnsynced and the whole file", err, whole(d))
		}
	default:
		if fault != diskmodel.ErrShort && !errors.Is(err, fault) || err == nil {
			t.Fatalf("fetch = %v, want an error that wraps %v", err, fault)
		}
		if !strings.Contains(err.Error(), "/d") {
			t.Errorf("error %q does not name a path", err)
		}
		if !untouched(d, old) {
			t.Fatalf("destination changed by a fetch that failed: %v", err)
		}
	}
	if d.Opened() != 0 {
		t.Errorf("%d files left open", d.Opened())
	}

	// Nothing of the failure stands in the way of the next fetch.
	d.Fault = nil
	if err := fetch(d, partfile.Option{}); err != nil || !whole(d) {
		t.Fatalf("fetch after the fault = %v, whole %v", err, whole(d))
	}
}

func TestCrashAtAnyCallLeavesTheDestinationOldOrWhole(t *testing.T) {
	const bootsPerCall = 60 // arbitrary: about 10 unsynced changes, a fault shows in some of 60
	seed := seed(t)
	for _, b := range before {
		clean := startDisk(b.old)
		if err := fetch(clean, b.opt); err != nil {
			t.Fatal(err)
		}
		var lost, kept int
		for at := 1; at <= len(clean.Calls())+1; at++ {
			d := startDisk(b.old)
			d.Fault = func(n int, _ diskmodel.Call) error {
				if n >= at {
					return diskmodel.ErrCrashed // the process is dead from here on
				}
				return nil
			}
			err := fetch(d, b.opt)
			for boot := range bootsPerCall {
				rng := rand.New(rand.NewPCG(seed, uint64(at*bootsPerCall+boot)))
				after := d.Crash(rng)
				if whole(after) {
					kept++
				} else if untouched(after, b.old) {
					lost++
				} else {
					text, _ := after.Content(memDest)
					t.Fatalf("%s: crash at call %d, boot %d: destination is %q", b.name, at, boot, text)
				}
				if err == nil && !whole(after) {
					t.Fatalf("%s: crash at call %d, boot %d: a committed file was lost", b.name, at, boot)
				}
				if err := fetch(after, partfile.Option{}); err != nil || !whole(after) {
					t.Fatalf("%s: fetch after a crash at call %d = %v", b.name, at, err)
				}
			}
		}
		if lost == 0 || kept == 0 {
			t.Errorf("%s: %d boots with the old state, %d with the new: want some of both", b.name, lost, kept)
		}
	}
}

func TestFullDiskShowsBeforeTheFirstWrite(t *testing.T) {
	d := diskmodel.New()
	d.Fault = func(_ int, call diskmodel.Call) error {
		if call.Op == diskmodel.Allocate {
			return syscall.ENOSPC
		}
		return nil
	}
	err := fetch(d, partfile.Option{})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fetch = %v, want ENOSPC", err)
	}
	if got, want := err.Error(), "allocate /d/.file.chunkcp-part: no space left on device"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if len(d.Names()) != 0 {
		t.Errorf("left on the full disk: %v", d.Names())
	}
}
