package peer

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lukechampine.com/blake3/guts"

	"chunkcp/internal/assign"
	"chunkcp/internal/partfile"
	"chunkcp/internal/tree"
	"chunkcp/proto"
)

// smallDisk is a destination with no room for more than a TiB.
type smallDisk struct{ heap }

func (smallDisk) begin(_ *Fetch, size int64) (io.WriterAt, error) {
	if size > 1<<40 {
		return nil, syscall.ENOSPC
	}
	return nowhere{}, nil
}

// pin gives a fetch that has not begun the hash of its content.
func (b *bareFetch) pin() tree.Hash {
	root := treeRoot(b.content)
	b.opt.Hash, b.agreement.pinned, b.root, b.rooted = &root, &root, root, true
	return root
}

// pass lets time go by, and has the fetch look whether it goes on.
func (b *bareFetch) pass(d time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, at := range []*time.Time{&b.began, &b.answered, &b.moved, &b.kept, &b.unstuck, &b.filled, &b.lastLive, &b.reign} {
		if !at.IsZero() {
			*at = at.Add(-d)
		}
	}
	now := time.Now()
	b.settle()
	b.unstick(now)
	return b.hopeless(now)
}

// goesOn fails the test if the fetch has an outcome.
func (b *bareFetch) goesOn() {
	b.t.Helper()
	select {
	case err := <-b.result:
		b.t.Fatalf("the fetch has ended: %v", err)
	default:
	}
}

// finish has a session give the whole file, which ends the fetch.
func (b *bareFetch) finish(c *clientSession) {
	b.t.Helper()
	if err := c.obey(); err != nil {
		b.t.Fatal(err)
	}
	for i := range tree.Pieces(b.size) {
		b.give(c, b.content, i)
	}
	select {
	case err := <-b.result:
		if err != nil {
			b.t.Error(err)
		}
	default:
		b.t.Error("it does not end")
	}
}

// show has a session answer what its peer's size is to be proved with.
func (b *bareFetch) show(c *clientSession, content []byte) {
	b.t.Helper()
	if !c.told.prove {
		b.t.Fatalf("%s is not asked to show its size", c.peer.Addr)
	}
	if err := c.obey(); err != nil {
		b.t.Fatal(err)
	}
	if err := b.tell(c, content, 0, tree.Pieces(int64(len(content)))); err != nil {
		b.t.Fatal(err)
	}
	b.giveLast(c, content)
}

// giveLast has a session send what it has been asked for: the last piece.
func (b *bareFetch) giveLast(c *clientSession, content []byte) {
	b.t.Helper()
	last := assign.PieceRange(tree.Pieces(c.size)-1, c.size)
	for id := range c.gets {
		for at := last.Start; at < last.End; at += 1000 {
			seg := &proto.Segment{Request: id, Offset: at, Payload: content[at:min(at+1000, last.End)]}
			if !c.room(seg) {
				b.t.Fatal("no room")
			}
			c.place(seg)
		}
		return
	}
	b.t.Fatalf("%s is not asked for its last piece", c.peer.Addr)
}

// TestAHugeSizeWithAPinnedHash: a liar says that it has the file, which costs it
// nothing, and a size that no disk has. The honest ones are hashing still. In
// whatever order they stand, the fetch goes on with the honest ones' file.
func TestAHugeSizeWithAPinnedHash(t *testing.T) {
	for peers := 2; peers <= 4; peers++ {
		for liar := range peers {
			b := bare(t, 4<<20, peers)
			root := b.pin()
			b.dest = smallDisk{}
			b.toldRoot(b.opened(liar, 1<<47), root)
			if b.unfit == nil {
				t.Fatal("a file of an exbibyte was begun")
			}
			var honest *clientSession
			for i := range peers {
				if i != liar {
					honest = b.opened(i, 4<<20)
				}
			}
			b.settleNow()
			b.goesOn()
			if b.size != 4<<20 || !honest.active {
				t.Fatalf("of %d the liar is %d: %d bytes, the honest one has work: %v", peers, liar, b.size, honest.active)
			}
			b.finish(honest)
		}
	}
}

// TestAHugeSizeOfTheFirst does not end a fetch without a hash either, as long as
// it is not that of most; theirs is the file, and that there is no room for it is
// said.
func TestAHugeSizeOfTheFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		sizes []int64
		want  int64 // -1: none
	}{
		"alone":                  {[]int64{1 << 47}, -1},
		"of two":                 {[]int64{1 << 47, 4 << 20}, 4 << 20},
		"of three":               {[]int64{1 << 47, 4 << 20, 4 << 20}, 4 << 20},
		"of three that differ":   {[]int64{1 << 47, 1 << 46, 4 << 20}, 4 << 20},
		"most have it":           {[]int64{4 << 20, 1 << 47, 1 << 47}, -1},
		"nobody has one that is": {[]int64{1 << 46, 1 << 47}, -1},
	} {
		b := bare(t, 4<<20, len(tc.sizes))
		b.dest = smallDisk{}
		for i, size := range tc.sizes {
			b.opened(i, size)
		}
		b.settleNow()
		if tc.want < 0 {
			if len(b.result) != 1 || !errors.Is(<-b.result, syscall.ENOSPC) {
				t.Errorf("%s: it does not end with the disk's error", name)
			}
			continue
		}
		b.goesOn()
		if b.size != tc.want {
			t.Errorf("%s: %d bytes, want %d", name, b.size, tc.want)
		}
	}
}

// TestASizeThatFitsNowhereLeavesThePart: that one peer tells a size beyond the
// disk's does not cost what has been fetched of another.
func TestASizeThatFitsNowhereLeavesThePart(t *testing.T) {
	b, d := leftBehind(t, 8<<20, 7, 2)
	b.opened(0, 8<<20)
	b.running.Wait()
	if b.recalled != 7<<20 {
		t.Fatalf("%d bytes were found", b.recalled)
	}
	b.mu.Lock()
	err := b.begin(1 << 62)
	if err == nil || !ofSize(err) || d.part != nil {
		t.Fatalf("a file of 4 EiB was begun: %v", err)
	}
	err = b.begin(8 << 20)
	b.mu.Unlock()
	b.running.Wait()
	if err != nil || b.recalled != 7<<20 {
		t.Errorf("%v; %d bytes are left of the seven pieces", err, b.recalled)
	}
}

// leftBehind is a fetch to a file of which an earlier run has left the first
// pieces.
func leftBehind(t *testing.T, size, pieces int64, peers int) (*bareFetch, *fileDestination) {
	t.Helper()
	content := positioned(int(size))
	out := filepath.Join(t.TempDir(), "out")
	p, err := partfile.Create(out, size, partfile.Option{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.WriteAt(content[:pieces<<20], 0); err != nil {
		t.Fatal(err)
	}
	for i := range pieces {
		p.Note(partfile.Record{Piece: i, Hash: tree.PieceHash(content[i<<20:(i+1)<<20], i, tree.Pieces(size))})
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	opt := FetchOptions{Name: fileName, Out: out}.withDefaults()
	for i := range peers {
		opt.Peers = append(opt.Peers, Peer{Addr: string(rune('A' + i))})
	}
	b := &bareFetch{Fetch: newFetch(opt), t: t, content: content}
	b.ctx = context.Background()
	d := b.dest.(*fileDestination)
	t.Cleanup(func() {
		b.running.Wait()
		if err := d.end(errEnough); !errors.Is(err, errEnough) {
			t.Error(err)
		}
	})
	return b, d
}

// TestAPinnedLiarDoesNotCutWhatIsLeft: of a file most of which is here, somebody
// says that it has five bytes, and that it has the pinned hash. He is alone for a
// while, or the first of two, or has friends.
func TestAPinnedLiarDoesNotCutWhatIsLeft(t *testing.T) {
	for _, liars := range []int{1, 2, 3} {
		b, _ := leftBehind(t, 8<<20, 7, liars+1)
		root := b.pin()
		for i := range liars {
			b.toldRoot(b.opened(i, 5), root)
		}
		b.settleNow()
		honest := b.opened(liars, 8<<20)
		for range 10 {
			if err := b.pass(4 * time.Second); err != nil {
				t.Fatal(err)
			}
			b.mu.Lock()
			b.moved = time.Now() // a hash of the liar's, say
			b.mu.Unlock()
		}
		b.running.Wait()
		if b.size != 8<<20 || b.recalled != 7<<20 || !honest.active {
			t.Errorf("%d liars: %d bytes are to be fetched, %d of what was left count", liars, b.size, b.recalled)
		}
	}
}

// TestAPinnedSizeHasItsTurn: the first in the config says that it has the pinned
// hash's file, in a size that fits. A hash every four seconds makes it look alive.
// The honest one, still hashing, is given its turn.
func TestAPinnedSizeHasItsTurn(t *testing.T) {
	b := bare(t, 4<<20, 2)
	root := b.pin()
	liar := b.opened(0, 1<<39)
	b.toldRoot(liar, root)
	honest := b.opened(1, 4<<20)
	b.settleNow()
	if b.size != 1<<39 {
		t.Fatalf("of two the first in the config is not believed: %d bytes", b.size)
	}
	waited := time.Duration(0)
	for i := range int64(100) {
		if err := b.heardHashes(liar, &proto.Hashes{File: clientFile, First: i, Hashes: make([][32]byte, 1)}); err != nil {
			t.Fatal(err)
		}
		if err := b.pass(4 * time.Second); err != nil {
			t.Fatal(err)
		}
		waited += 4 * time.Second
		if err := honest.obey(); err != nil {
			t.Fatal(err)
		}
		if honest.active {
			break
		}
	}
	if !honest.active || waited > firstPatience+stallTime {
		t.Fatalf("after %v the honest one has work: %v", waited, honest.active)
	}
	b.goesOn()
	b.finish(honest)
}

// TestWhatIsHereIsNotGivenUp: all bytes are, one piece of them wrong, and the hashes
// that would say which are slow to come. That somebody tells another size does not
// cost the rest.
func TestWhatIsHereIsNotGivenUp(t *testing.T) {
	b := bare(t, 16<<20, 3)
	b.pin()
	honest := b.opened(0, 16<<20)
	damaged := b.opened(1, 16<<20)
	b.opened(2, 9<<20)
	for i := range int64(16) {
		c, content := honest, b.content
		if i == 15 {
			c, content = damaged, other(b.content)
		}
		b.give(c, content, i)
	}
	for i := range int64(16) {
		if b.written != 16<<20 || b.size != 16<<20 {
			t.Fatalf("after %d hashes %d bytes are here, of a file of %d", i, b.written, b.size)
		}
		if err := b.tell(honest, b.content, i, i+1); err != nil {
			t.Fatal(err)
		}
		if err := b.pass(4 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if b.written != 15<<20 {
		t.Fatalf("%d bytes are here: the wrong piece is not found", b.written)
	}
	b.states(Live, Out, Live)
	if err := honest.obey(); err != nil {
		t.Fatal(err)
	}
	b.give(honest, b.content, 15)
	if len(b.result) != 1 || <-b.result != nil {
		t.Error("it does not end")
	}
}

// TestAPinnedSizeIsShown: two liars with the same size give pieces without end.
// The honest one has hashed its file and shows, beside that, which size it has.
func TestAPinnedSizeIsShown(t *testing.T) {
	b := bare(t, 5<<20+77, 3)
	root := b.pin()
	for i := range 2 {
		b.toldRoot(b.opened(i, 9<<20), root)
	}
	honest := b.opened(2, 5<<20+77)
	b.settleNow()
	if b.size != 9<<20 || honest.told.prove {
		t.Fatalf("%d bytes; asked before it has hashed: %v", b.size, honest.told.prove)
	}
	b.toldRoot(honest, root)
	b.show(honest, b.content)
	if b.size != 5<<20+77 {
		t.Fatalf("%d bytes: what is shown is not believed", b.size)
	}
	b.settleNow()
	b.states(Out, Out, Live)
	b.finish(honest)
}

// TestAProofGoesOnInTheNextTurn: while the honest one is asked to show its size a
// second liar's has its turn. What was asked for is void then, and asked again.
func TestAProofGoesOnInTheNextTurn(t *testing.T) {
	b := bare(t, 5<<20, 3)
	root := b.pin()
	b.opened(0, 9<<20)
	b.opened(1, 7<<20)
	honest := b.opened(2, 5<<20)
	b.toldRoot(honest, root)
	if err := honest.obey(); err != nil {
		t.Fatal(err)
	}
	if b.size != 9<<20 || len(honest.gets) != 1 {
		t.Fatalf("%d bytes; %d requests of the honest one", b.size, len(honest.gets))
	}
	if err := b.pass(firstPatience); err != nil {
		t.Fatal(err)
	}
	b.settleNow()
	if b.size != 7<<20 {
		t.Fatalf("%d bytes: the other liar has no turn", b.size)
	}
	b.show(honest, b.content)
	if b.size != 5<<20 {
		t.Fatalf("%d bytes: what is shown is not believed", b.size)
	}
	b.finish(honest)
}

// inTwos returns the hashes of every two pieces of a file, of which it has a power of
// two, as if they were those of pieces of a file half as long.
func inTwos(content []byte) *proto.Hashes {
	words := func(i int64) (v [8]uint32) {
		h, _ := listOf(content).Get(i)
		for n := range v {
			v[n] = binary.LittleEndian.Uint32(h[4*n:])
		}
		return v
	}
	m := &proto.Hashes{File: clientFile}
	for i := range tree.Pieces(int64(len(content))) / 2 {
		var h [32]byte
		for n, word := range guts.ChainingValue(guts.ParentNode(words(2*i), words(2*i+1), &guts.IV, 0)) {
			binary.LittleEndian.PutUint32(h[4*n:], word)
		}
		m.Hashes = append(m.Hashes, h)
	}
	return m
}

// TestWhatShowsNoSize: other hashes, or another last piece; or hashes of what is
// not the file's pieces, but larger parts of it, which make the same root. Whoever
// tells them is sent away or not believed, and what is under way goes on.
func TestWhatShowsNoSize(t *testing.T) {
	const pieces = 4
	for name, lie := range map[string]func(b *bareFetch, liar *clientSession){
		"other hashes": func(b *bareFetch, liar *clientSession) {
			if err := b.tell(liar, make([]byte, 2<<20), 0, 2); err != nil {
				b.t.Fatal(err)
			}
		},
		"larger parts": func(b *bareFetch, liar *clientSession) {
			if err := b.heardHashes(liar, inTwos(b.content)); err != nil {
				b.t.Fatal(err)
			}
			if root, whole := liar.peer.proof.hashes.Root(); !whole || root != b.root {
				b.t.Fatal("they do not make the root: nothing was tried")
			}
			b.goesOn()
			if b.size != pieces<<20 {
				b.t.Error("hashes alone have shown a size")
			}
			b.giveLast(liar, b.content)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := bare(t, pieces<<20, 3)
			root := b.pin()
			honest := b.opened(0, pieces<<20)
			b.opened(1, pieces<<20)
			liar := b.opened(2, 2<<20)
			b.toldRoot(liar, root)
			b.settleNow()
			if err := liar.obey(); err != nil {
				t.Fatal(err)
			}
			lie(b, liar)
			b.states(Live, Live, Out)
			b.finish(honest)
		})
	}
}

// TestAPinnedListOfPartsIsNoSize: the same where the liar's size is under way.
// That its hashes make the root sends nobody away.
func TestAPinnedListOfPartsIsNoSize(t *testing.T) {
	b := bare(t, 4<<20, 2)
	root := b.pin()
	liar := b.opened(0, 2<<20)
	b.toldRoot(liar, root)
	honest := b.opened(1, 4<<20)
	if err := b.heardHashes(liar, inTwos(b.content)); err != nil {
		t.Fatal(err)
	}
	if !b.manifest.sealed(root) {
		t.Fatal("they do not make the root: nothing was tried")
	}
	b.settleNow()
	b.states(Live, Live)
	b.toldRoot(honest, root)
	b.show(honest, b.content)
	b.finish(honest)
}

// TestWhereNoDiskBoundsASize: a stream, or a fetch of hashes, would have to remember
// as many hashes as somebody likes. A file that is too long is none for these.
func TestWhereNoDiskBoundsASize(t *testing.T) {
	for name, open := range map[string]func(o *FetchOptions){
		"a stream": func(o *FetchOptions) { o.Out, o.Stream = "", io.Discard },
		"hashes":   func(o *FetchOptions) { o.Out, o.HashesOnly = "", true },
	} {
		for _, peers := range []int{1, 2} {
			b := bare(t, 4<<20, peers)
			open(&b.opt)
			b.dest = b.opt.destination()
			c := b.opened(0, maxUnstored+1)
			if err := b.heardHashes(c, &proto.Hashes{File: clientFile, Hashes: make([][32]byte, 127)}); err != nil {
				t.Fatal(err)
			}
			if b.size >= 0 || b.manifest != nil {
				t.Fatalf("%s: a file of %d bytes was begun", name, b.size)
			}
			if peers == 2 {
				b.opened(1, 4<<20)
			}
			b.settleNow()
			if peers == 2 {
				b.goesOn()
				if b.size != 4<<20 {
					t.Errorf("%s: %d bytes: the other size has no turn", name, b.size)
				}
			} else if len(b.result) != 1 || !errors.Is(<-b.result, errTooLong) {
				t.Errorf("%s: it does not end", name)
			}
		}
		b := bare(t, 4<<20, 1)
		open(&b.opt)
		b.dest = b.opt.destination()
		if b.opened(0, maxUnstored); b.size != maxUnstored {
			t.Errorf("%s: the longest is not begun", name)
		}
	}
}

// TestTheLargestNumberIsNoSize: the end of such a file's last piece is none.
func TestTheLargestNumberIsNoSize(t *testing.T) {
	for _, size := range []int64{math.MaxInt64, math.MaxInt64 - 1, proto.MaxFileBytes + 1} {
		b := bare(t, 4<<20, 2)
		if err := b.agree(b.session(0), &proto.Opened{ID: clientFile, Size: size}); err == nil {
			t.Errorf("a file of %d bytes is taken", size)
		}
		b.states(Out, Probing)
		honest := b.opened(1, 4<<20)
		for i := range int64(4) {
			b.give(honest, b.content, i)
		}
		b.toldRoot(honest, treeRoot(b.content))
		if len(b.result) != 1 || <-b.result != nil {
			t.Error("the other one's file is not fetched")
		}
	}
	for _, size := range []int64{proto.MaxFileBytes, proto.MaxFileBytes - 1, assign.PieceBytes, 1} {
		end := int64(0)
		for i := max(0, tree.Pieces(size)-3); i < tree.Pieces(size); i++ {
			r := assign.PieceRange(i, size)
			if r.Empty() || r.Start != i*assign.PieceBytes || r.Start < end || r.Len() > assign.PieceBytes {
				t.Errorf("piece %d of %d bytes is %v", i, size, r)
			}
			end = r.End
		}
		if end != size {
			t.Errorf("the last piece of %d bytes ends at %d", size, end)
		}
	}
}
