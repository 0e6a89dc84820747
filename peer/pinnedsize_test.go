package peer

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"chunkcp/internal/diskmodel"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/proto"
)

// TestTwoSizesUnderOneVersion: a peer that tells one session another size than it has told
// before has another file, whatever it calls its version; no session has a part in a file
// of a size that it was not told.
func TestTwoSizesUnderOneVersion(t *testing.T) {
	b := bare(t, 4<<20+100, 2)
	first := b.opened(0, 8<<20)
	second := b.session(0)
	err := b.agree(second, &proto.Opened{ID: clientFile, Size: int64(len(b.content)), Version: proto.FileVersion{0}})
	if !errors.Is(err, ErrSourceChanged) {
		t.Errorf("%v", err)
	}
	b.opened(1, int64(len(b.content)))
	if err := first.obey(); err != nil {
		t.Fatal(err)
	}
	if first.joined && first.size != b.size {
		t.Errorf("a session that was told %d bytes has a part in a file of %d", first.size, b.size)
	}
}

// TestWhatIsLeftDoesNotFit: of a pinned file there is a part of which the disk takes no
// more. It is tried once.
func TestWhatIsLeftDoesNotFit(t *testing.T) {
	pin := tree.Hash{1}
	g := newAgreement(&pin)
	g.left = 10
	g.answered(0, secure.PublicKey{1}, 10)
	if size, ok := g.size(); size != 10 || !ok {
		t.Fatalf("size %d, %v", size, ok)
	}
	g.refuse(10)
	if size, ok := g.size(); ok {
		t.Errorf("size %d, for which there is no room", size)
	}
	inWorld(t, 1, 1, 5<<20, moveLink, func(w *world) {
		disk, tries := diskmodel.New(), 0
		disk.Put("/d/.out.chunkcp-part", string(w.content))
		disk.Fault = func(_ int, c diskmodel.Call) error {
			if c.Op != diskmodel.Allocate {
				return nil
			}
			if tries++; tries > 100 {
				return syscall.EACCES // or it could go on for ever
			}
			return syscall.ENOSPC
		}
		o, root := w.options(), treeRoot(w.content)
		o.Hash, o.Out, o.Disk = &root, "/d/out", disk
		if _, _, err := w.run(o); !errors.Is(err, syscall.ENOSPC) || tries > 5 {
			t.Errorf("%d tries, and %v", tries, err)
		}
	})
}

// TestAnEmptyFileIsPinned: who has it needs no proof, and who has another one lies.
func TestAnEmptyFileIsPinned(t *testing.T) {
	b := bare(t, 0, 2)
	root := b.pin()
	b.agreement.left = 4 << 20
	liar, honest := b.opened(0, 4<<20), b.opened(1, 0)
	for _, c := range []*clientSession{liar, honest} {
		b.heardRoot(c, &proto.Root{File: clientFile, Root: root})
	}
	b.tick(time.Now())
	if b.size != 0 {
		t.Errorf("a file of %d bytes is fetched", b.size)
	}
	b = bare(t, 4<<20, 1)
	root = b.pin()
	b.heardRoot(b.opened(0, 0), &proto.Root{File: clientFile, Root: root})
	if err := b.pass(0); !errors.Is(err, ErrIntegrity) {
		t.Errorf("%v of an empty file that is to have another hash", err)
	}
}
