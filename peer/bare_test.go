package peer

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// bareFetch is a fetch without goroutines: what peers say is put into it by
// hand, in an order that a network would seldom choose.
type bareFetch struct {
	*Fetch
	t       *testing.T
	content []byte
}

// quietConn is a socket that nothing comes from.
type quietConn struct{ udp.Conn }

func (quietConn) SetReadDeadline(time.Time) error { return nil }

// heap is a destination in memory.
type heap struct{ nullDestination }

func (heap) begin(*Fetch, int64) (io.WriterAt, error) { return nowhere{}, nil }
func (heap) keep(f *Fetch, p *piece, _ tree.Hash)     { f.written += p.data.Len(); f.pool.put(p) }
func (heap) lose(f *Fetch, i int64) error {
	f.written -= assign.PieceRange(i, f.size).Len()
	return nil
}

func bare(t *testing.T, size, peers int) *bareFetch {
	opt := FetchOptions{Name: fileName, Out: "none"}.withDefaults()
	for i := range peers {
		opt.Peers = append(opt.Peers, Peer{Addr: string(rune('A' + i))})
	}
	b := &bareFetch{Fetch: newFetch(opt), t: t, content: positioned(size)}
	b.dest, b.ctx = heap{}, context.Background()
	return b
}

// session joins another session of a peer, without an answer to its Open.
func (b *bareFetch) session(peer int) *clientSession {
	c := &clientSession{
		session: &session{
			conn: quietConn{}, receiver: arq.NewReceiver(time.Millisecond),
			sender: arq.NewSender(arq.Config{SegmentBytes: 1000, BurstBytes: 1000, Controller: &arq.Fixed{WindowBytes: 1 << 20}}),
		},
		fetch: b.Fetch, peer: b.peers[peer], key: secure.PublicKey{byte(peer)}, size: -1, nextID: clientFile + 1,
		gets: map[proto.ID]*get{}, pieces: map[int64]*piece{},
	}
	c.party = c
	b.join(c)
	return c
}

// opened joins a session of a peer whose file has size bytes.
func (b *bareFetch) opened(peer int, size int64) *clientSession {
	b.t.Helper()
	c := b.session(peer)
	if err := b.agree(c, &proto.Opened{ID: clientFile, Size: size, Version: proto.FileVersion{byte(peer)}}); err != nil {
		b.t.Fatal(err)
	}
	return c
}

// all opens a session with each peer, whose files are as long as the content.
func (b *bareFetch) all() (out []*clientSession) {
	b.t.Helper()
	for i := range b.peers {
		out = append(out, b.opened(i, int64(len(b.content))))
	}
	return out
}

// give has a session give piece i of content.
func (b *bareFetch) give(c *clientSession, content []byte, i int64) {
	b.t.Helper()
	data := assign.PieceRange(i, b.size)
	p := b.getPiece(c, data, false)
	copy(p.buf, content[data.Start:data.End])
	b.complete(c, p)
	select {
	case p = <-b.writes:
	default:
		b.t.Fatalf("piece %d of %s is not wanted", i, c.peer.Addr)
	}
	if err := b.deliver(p); err != nil {
		b.t.Fatal(err)
	}
}

// tell has a session tell the hashes of some pieces.
func (b *bareFetch) tell(c *clientSession, content []byte, first, end int64) error {
	m := &proto.Hashes{File: clientFile, First: first}
	for i := first; i < end; i++ {
		h, _ := listOf(content).Get(i)
		m.Hashes = append(m.Hashes, h)
	}
	return b.heardHashes(c, m)
}

func (b *bareFetch) states(want ...State) {
	b.t.Helper()
	for i, p := range b.peers {
		if p.state != want[i] {
			b.t.Errorf("peer %s is %s, %q; want it %s", p.Addr, p.state, p.note, want[i])
		}
	}
}

// TestALeadThatIsCaughtBlamesNobody: its list names its own piece wrong and,
// after it, an honest peer's.
func TestALeadThatIsCaughtBlamesNobody(t *testing.T) {
	b := bare(t, 4<<20, 3)
	cs := b.all()
	b.give(cs[0], b.content, 0)
	b.give(cs[1], b.content, 1)
	if err := b.tell(cs[0], other(b.content), 0, 4); err != nil {
		t.Fatal(err)
	}
	b.states(Out, Live, Live)
	if b.lead != b.peers[1] || b.peers[1].bad != nil {
		t.Errorf("%s leads; piece of B that is held against it: %v", b.lead.Addr, b.peers[1].bad)
	}
}

// TestAListGrowsFromItsBeginning: neither hashes far apart, of which each would
// cost a page, nor the same ones again and again are taken.
func TestAListGrowsFromItsBeginning(t *testing.T) {
	b := bare(t, 4<<20, 1)
	c := b.opened(0, 1<<47)
	far := proto.Hashes{File: clientFile, First: 1 << 30, Hashes: make([][32]byte, 1)}
	again := proto.Hashes{File: clientFile, Hashes: make([][32]byte, 100)}
	for range 3 {
		for _, m := range []*proto.Hashes{&far, &again} {
			if err := b.heardHashes(c, m); err != nil {
				t.Fatal(err)
			}
		}
		if n := b.manifest.list.Known(); n != 100 {
			t.Errorf("%d hashes are known, want 100", n)
		}
		again.First, b.moved = 50, b.began
		again.Hashes = again.Hashes[:50]
	}
	if b.moved != b.began {
		t.Error("hashes that were told before count as progress")
	}
}

// TestNothingIsLeasedBeforeOrdersAreObeyed: a peer is suspended and pardoned
// while its session looks for work. What it is to drop is what it had, not what
// it is given afterwards.
func TestNothingIsLeasedBeforeOrdersAreObeyed(t *testing.T) {
	b := bare(t, 8<<20, 2)
	c := b.all()[1]
	b.mu.Lock()
	b.dismiss(c.peer)
	b.pardon()
	b.mu.Unlock()
	c.takeWork(time.Now())
	if b.reclaim(c, []rangeset.Range{assign.PieceRange(7, b.size)}) {
		t.Error("a piece was leased again, to be dropped at once")
	}
	if err := c.obey(); err != nil {
		t.Fatal(err)
	}
	c.takeWork(time.Now())
	var asked rangeset.Set
	for _, g := range c.gets {
		asked.Add(g.data)
	}
	if held := b.assign.Lease(c.id); asked.Len() == 0 || !slices.Equal(held, asked.Ranges()) {
		t.Errorf("it holds %v and has asked for %v", held, asked.Ranges())
	}
}

// TestAPieceReopenedOnItsWay: a piece that another session had first proves
// wrong while a segment of it is being taken. It is still to be fetched.
func TestAPieceReopenedOnItsWay(t *testing.T) {
	b := bare(t, 4<<20, 2)
	cs := b.all()
	late := cs[1]
	late.gets[2] = newGet(assign.PieceRange(0, b.size))
	b.give(cs[0], b.content, 0)
	seg := &proto.Segment{Request: 2, Payload: b.content[:1000]}
	if !late.room(seg) {
		t.Fatal("no room")
	}
	b.mu.Lock()
	b.manifest.lose(0)
	b.reject(0, -1)
	b.mu.Unlock()
	late.place(seg)
	piece := assign.PieceRange(0, b.size)
	for c := range b.sessions {
		if slices.ContainsFunc(b.assign.Lease(c.id), func(r rangeset.Range) bool { return !r.Intersect(piece).Empty() }) {
			t.Errorf("session %d holds the piece still", c.id)
		}
	}
	if b.assign.Done(piece) {
		t.Error("the piece counts as received, and nobody has it")
	}
}

// TestWhatIsWholeStaysWhole: the lead takes back what it said when all is here.
// A piece fetched again would be written into the file that is about to be
// given its name.
func TestWhatIsWholeStaysWhole(t *testing.T) {
	b := bare(t, 3<<20, 2)
	cs := b.all()
	for i := range int64(3) {
		b.give(cs[1], b.content, i)
	}
	for _, c := range cs {
		b.heardRoot(c, &proto.Root{File: clientFile, Root: treeRoot(b.content)})
	}
	if err := b.tell(cs[0], other(b.content), 0, 3); err != nil {
		t.Fatal(err)
	}
	if b.written != b.size || b.assign.Left() != 0 || len(b.result) != 1 {
		t.Errorf("%d of %d bytes are written, %d are to be fetched", b.written, b.size, b.assign.Left())
	}
}

// TestALiarAboutNothing: everybody knows the hash of an empty file.
func TestALiarAboutNothing(t *testing.T) {
	b := bare(t, 0, 2)
	cs := b.all()
	if err := b.heardHashes(cs[0], &proto.Hashes{File: clientFile, Hashes: [][32]byte{{1}}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range cs {
		b.heardRoot(c, &proto.Root{File: clientFile, Root: treeRoot(nil)})
	}
	if len(b.result) != 1 {
		t.Error("it does not end")
	}
}

// TestACaughtLiarHasNoSay: the first in the config has a file of another size,
// and is caught with a piece that is not what it says.
func TestACaughtLiarHasNoSay(t *testing.T) {
	b := bare(t, 4<<20, 3)
	odd := b.opened(0, 5<<20)
	b.opened(1, 4<<20)
	if b.size != 5<<20 {
		t.Fatalf("of two sizes the first in the config has %d", b.size)
	}
	longer := append(bytes.Clone(b.content), make([]byte, 1<<20)...)
	b.give(odd, longer, 0)
	if err := b.tell(odd, other(longer), 0, 5); err != nil {
		t.Fatal(err)
	}
	b.states(Out, Live, Probing)
	if b.size != 4<<20 {
		t.Errorf("the size is %d still", b.size)
	}
}

// TestANewFileForgetsWhatDiffered: a peer that was suspended over a piece of a
// file is not judged by it when the peers agree on another size.
func TestANewFileForgetsWhatDiffered(t *testing.T) {
	b := bare(t, 4<<20, 4)
	cs := []*clientSession{b.opened(1, 4<<20), b.opened(2, 4<<20)}
	if err := b.tell(cs[0], b.content, 0, 1); err != nil {
		t.Fatal(err)
	}
	b.give(cs[1], other(b.content), 0)
	if b.peers[2].bad == nil {
		t.Fatal("a piece that differs is not noted")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.begin(5 << 20); err != nil {
		t.Fatal(err)
	}
	if b.peers[2].bad != nil {
		t.Error("it is still held against its peer")
	}
}

// TestACheckpointOfAFileThatIsNoLongerWanted is no failure.
func TestACheckpointOfAFileThatIsNoLongerWanted(t *testing.T) {
	b := bare(t, 1<<20, 1)
	opt := b.opt
	opt.Out = filepath.Join(t.TempDir(), "out")
	d := newFileDestination(opt)
	b.dest = d
	b.opened(0, 1<<20)
	if err := d.part.Close(); err != nil { // as begin does, between the look at d.part and its checkpoint
		t.Fatal(err)
	}
	if err := d.checkpoint(b.Fetch); err != nil {
		t.Error(err)
	}
}

// TestALeadThatTellsNothing has suspended all others, and is alive. Another one
// takes its place, once.
func TestALeadThatTellsNothing(t *testing.T) {
	b := bare(t, 4<<20, 2)
	cs := b.all()
	cs[0].takeWork(time.Now())
	if err := b.tell(cs[0], other(b.content), 0, 1); err != nil {
		t.Fatal(err)
	}
	b.give(cs[1], b.content, 0)
	if cs[1].active {
		t.Fatal("a peer that differs from the lead is not suspended")
	}
	later := func(after time.Duration) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.unstick(b.moved.Add(after)) // the first answer was before
	}
	later(stallTime - 1)
	if b.lead != b.peers[0] {
		t.Error("the lead has changed too soon")
	}
	later(stallTime)
	if b.lead != b.peers[1] || !cs[1].active || b.manifest.list.Known() != 0 {
		t.Errorf("%s leads, the other one is active: %v", b.lead.Addr, cs[1].active)
	}
	if held := b.assign.Lease(cs[0].id); len(held) != 0 || b.assign.Free() != b.assign.Left() {
		t.Errorf("%v is still leased to the one that gives none", held)
	}
	later(2 * stallTime)
	if b.lead != b.peers[1] {
		t.Error("when nobody tells anything the lead changes for nothing")
	}
}

// TestACaughtLiarMaySayWhatIsTrue: one that serves wrong bytes, and the hashes of
// the right ones, is caught. With an honest one it still makes a majority.
func TestACaughtLiarMaySayWhatIsTrue(t *testing.T) {
	b := bare(t, 4<<20, 3)
	cs := b.all()
	version := other(b.content)
	b.heardRoot(cs[2], &proto.Root{File: clientFile, Root: treeRoot(b.content)})
	b.mu.Lock()
	b.lead = b.peers[2] // the liar is the last in the config
	b.mu.Unlock()
	b.give(cs[2], version, 0)
	if err := b.tell(cs[2], b.content, 0, 1); err != nil {
		t.Fatal(err)
	}
	b.states(Live, Live, Out)
	b.heardRoot(cs[0], &proto.Root{File: clientFile, Root: treeRoot(version)})
	b.heardRoot(cs[1], &proto.Root{File: clientFile, Root: treeRoot(b.content)})
	if b.root != treeRoot(b.content) {
		t.Error("the majority has not won")
	}
}
