package peer

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// firstOf notes when the first byte of each peer comes, after the fetch began.
func (w *world) firstOf(o *FetchOptions, first []time.Duration) {
	o.OnStart = func(f *Fetch) {
		w.watch(func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			for c := range f.sessions {
				if at := &first[c.peer.index]; c.joined && *at == 0 && f.assign.Started(c.id) {
					*at = time.Since(f.began)
				}
			}
			return !f.over
		})
	}
}

// TestEveryPeersFirstByte comes two round trips after the start: Hello and its
// answer, the request and the bytes.
func TestEveryPeersFirstByte(t *testing.T) {
	const size = 24 << 20
	inWorld(t, 1, 3, size, idealLink, func(w *world) {
		for i, s := range w.servers {
			link := idealLink
			link.Delay = time.Duration(20+10*i) * time.Millisecond
			w.net.SetPath(w.client.Addr(), s.host.Addr(), link)
		}
		o := w.options()
		first := make([]time.Duration, 3)
		w.firstOf(&o, first)
		f, took := w.fetch(o)
		t.Logf("the first bytes came after %v, all after %v", first, took)
		for i, at := range first {
			rtt := time.Duration(40+20*i) * time.Millisecond
			if at < 2*rtt || at > 2*rtt+rtt/4 { // the line takes a millisecond or two for the keys
				t.Errorf("the first byte of peer %d came after %v, %.2f round trips; want 2", i, at, float64(at)/float64(rtt))
			}
		}
		w.wasted(f)
	})
}

// TestAFileShorterThanWhatIsAskedForEarly is fetched once, but for what those
// that have nothing to do repeat at the end (hedge.go), and what one from whom the end of a
// piece is taken has sent before it hears of that: little, and on most runs nothing.
func TestAFileShorterThanWhatIsAskedForEarly(t *testing.T) {
	for _, size := range []int{0, 1, 4<<20 - 1, 4 << 20, 4<<20 + 1, 5 << 20, 8 << 20, 11<<20 + 77, 12 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			inWorld(t, 1, 3, size, idealLink, func(w *world) {
				for i, s := range w.servers { // no two events at once, whose order is the scheduler's
					link := idealLink
					link.Delay += time.Duration(i) * 777 * time.Microsecond
					w.net.SetPath(w.client.Addr(), s.host.Addr(), link)
				}
				f, took := w.fetch(w.options())
				twice := came(f) - int64(size)
				t.Logf("took %v, %d bytes came twice, %d were asked of two", took, twice, f.assign.Hedged())
				if twice < 0 || twice > f.assign.Hedged()+int64(size)/6 {
					t.Errorf("%d bytes came twice", twice)
				}
				for i, p := range f.peers {
					if !p.early.Empty() {
						t.Errorf("%v is still reserved for peer %d", p.early, i)
					}
				}
			})
		})
	}
}

// TestAPeerThatDiesInItsHandshake costs nothing: whichever of three it is, and
// whether before its answer or after it, the others fetch as fast as two alone, but
// for a last piece that one may have more of than the other.
func TestAPeerThatDiesInItsHandshake(t *testing.T) {
	heavy(t)
	const size = 16 << 20 // in less than patience
	rtt := 2 * storyLink.Delay
	line := time.Duration(assign.PieceBytes * int64(time.Second) / storyLink.Rate)
	var alone time.Duration
	inWorld(t, 1, 2, size, storyLink, func(w *world) { _, alone = w.fetch(w.options()) })
	for dead := range 3 {
		for _, at := range []time.Duration{0, rtt * 5 / 4} {
			inWorld(t, 1, 3, size, storyLink, func(w *world) {
				w.after(at, func() { w.servers[dead].host.Down() })
				f, took := w.fetch(w.options())
				what := fmt.Sprintf("beside peer %d that dies after %v", dead, at)
				within(t, what, took, alone*102/100+line)
				if n, early := givenBy(f, dead), f.peers[dead].early; n != 0 || !early.Empty() {
					t.Errorf("%s: it gave %d bytes, and %v is left to it", what, n, early)
				}
			})
		}
	}
}

// TestAStreamFromTwoOfThree does not wait for the one that is down, whose pieces
// may be the first, longer than patience.
func TestAStreamFromTwoOfThree(t *testing.T) {
	heavy(t)
	const size = 48 << 20
	for dead := range 3 {
		inWorld(t, 1, 3, size, storyLink, func(w *world) {
			w.servers[dead].host.Down()
			var r reader
			o := w.stream(&r)
			began := time.Now()
			if _, took, err := w.run(o); err != nil || r.at != size {
				t.Errorf("%d of %d bytes after %v: %v", r.at, size, took, err)
			} else {
				within(t, "the stream", took, ideal(size, 2)*110/100)
			}
			line := time.Duration(assign.PieceBytes * int64(time.Second) / storyLink.Rate)
			within(t, "the first byte", r.begin.Sub(began), assign.Patience+10*storyLink.Delay+2*line)
		})
	}
}

// asks has a peer's first session ask in its handshake, and returns it.
func (b *bareFetch) asks(peer int, want rangeset.Range) *clientSession {
	b.t.Helper()
	requests, early := b.firstRequests(b.peers[peer])
	var bytes, hashes rangeset.Range
	for m, rest, err := proto.NextMessage(requests); m != nil || err != nil; m, rest, err = proto.NextMessage(rest) {
		switch m := m.(type) {
		case *proto.Get:
			bytes = m.Range
		case *proto.Tree:
			hashes = m.Pieces
		case *proto.Open:
		default:
			b.t.Fatalf("%T, %v", m, err)
		}
	}
	if early != want || bytes != want {
		b.t.Errorf("peer %d is asked for %v early, as %v, want %v", peer, bytes, early, want)
	}
	if all := !want.Empty() && peer == 0; all == hashes.Empty() {
		b.t.Errorf("peer %d is asked for the hashes of %v", peer, hashes)
	}
	c := b.session(peer)
	c.early = early
	return c
}

// answers has a session be told its file's size.
func (c *clientSession) answers(size int64) error {
	return c.message(time.Now(), &proto.Opened{ID: clientFile, Size: size, Version: proto.FileVersion{byte(c.peer.index)}})
}

// fetches returns what a session has asked for and waits for.
func (c *clientSession) fetches() []rangeset.Range {
	var s rangeset.Set
	for _, g := range c.gets {
		for _, r := range g.open.Ranges() {
			s.Add(r)
		}
	}
	return s.Ranges()
}

// TestWhoIsAskedForBytesEarly: the first peers, each for its own; none that would
// get no work, and none once the size is known, or where a file is resumed.
func TestWhoIsAskedForBytesEarly(t *testing.T) {
	b := bare(t, 40<<20, 6)
	for i := range int64(4) {
		b.asks(int(i), pieces(4*i, 4*i+4))
	}
	b.asks(4, rangeset.Range{})
	for name, change := range map[string]func(*Fetch){
		"two sessions": func(f *Fetch) { f.opt.Sessions = 2 },
		"resumed":      func(f *Fetch) { f.resumes = true },
		"hashes only":  func(f *Fetch) { f.opt.HashesOnly = true },
		"known size":   func(f *Fetch) { f.size = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			b := bare(t, 40<<20, 3)
			change(b.Fetch)
			b.asks(2, rangeset.Range{})
		})
	}
}

// TestWhatIsTakenMeanwhileIsDropped: another session was given the end of what a
// peer was asked for early. The rest is fetched from that peer all the same.
func TestWhatIsTakenMeanwhileIsDropped(t *testing.T) {
	b := bare(t, 40<<20, 2)
	first, second := b.asks(0, pieces(0, 4)), b.asks(1, pieces(4, 8))
	if err := first.answers(40 << 20); err != nil {
		t.Fatal(err)
	}
	if !b.assign.Reclaim(first.id, []rangeset.Range{pieces(6, 8)}) {
		t.Fatal("they are not free")
	}
	if err := second.answers(40 << 20); err != nil {
		t.Fatal(err)
	}
	if got := second.fetches(); !slices.Equal(got, []rangeset.Range{pieces(4, 6)}) || second.nextID != clientFile+2 {
		t.Errorf("it fetches %v, and its next id is %d", got, second.nextID)
	}
	if held := b.assign.Lease(second.id); !slices.Equal(held, second.fetches()) {
		t.Errorf("it holds %v", held)
	}
	if sent := second.sender.Stats(); second.sender.Idle() {
		t.Errorf("its peer is not told: %+v", sent)
	}
}

// TestAReservationEnds with the session, or the answer of a peer whose file has
// another size; and who has not answered has it in a file that is begun anew, too.
func TestAReservationEnds(t *testing.T) {
	b := bare(t, 40<<20, 4)
	cs := make([]*clientSession, 4)
	for i := range cs {
		cs[i] = b.asks(i, pieces(int64(4*i), int64(4*i+4)))
	}
	reserved := func(want ...rangeset.Range) {
		t.Helper()
		if got := b.assign.Reserved(); !slices.Equal(got, want) {
			t.Errorf("%v is reserved, want %v", got, want)
		}
	}
	b.unreserve(b.peers[3]) // no file is known yet
	if err := cs[0].answers(40 << 20); err != nil {
		t.Fatal(err)
	}
	reserved(pieces(4, 12))
	if err := cs[1].answers(20 << 20); err != nil {
		t.Fatal(err)
	}
	if got := cs[1].fetches(); len(got) > 0 || cs[1].joined {
		t.Errorf("of another file it fetches %v", got)
	}
	reserved(pieces(8, 12))
	b.mu.Lock()
	if err := b.begin(20 << 20); err != nil {
		t.Fatal(err)
	}
	b.mu.Unlock()
	reserved(pieces(8, 12))
	b.unreserve(b.peers[2])
	reserved()
	if b.assign.Free() != 20<<20 {
		t.Errorf("%d bytes are free", b.assign.Free())
	}
}

// slowToBegin is a destination that is ready when the test says.
type slowToBegin struct {
	heap
	ready chan error
}

func (s slowToBegin) begin(f *Fetch, _ int64) (io.WriterAt, error) {
	f.mu.Unlock()
	defer f.mu.Lock()
	return nowhere{}, <-s.ready
}

// TestWhoAnswersWhileTheFileIsBegun takes what it was asked for early once that is
// done; if it fails, nothing.
func TestWhoAnswersWhileTheFileIsBegun(t *testing.T) {
	for _, outcome := range []error{nil, io.ErrShortWrite} {
		synctest.Test(t, func(t *testing.T) {
			b := bare(t, 40<<20, 2)
			d := slowToBegin{ready: make(chan error)}
			b.dest = d
			first, second := b.asks(0, pieces(0, 4)), b.asks(1, pieces(4, 8))
			done := make(chan error, 2)
			for _, c := range []*clientSession{first, second} {
				go func() { done <- c.answers(40 << 20) }()
				synctest.Wait()
			}
			if len(done) > 0 {
				t.Error("one did not wait")
			}
			d.ready <- outcome
			for range 2 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			want := []rangeset.Range{pieces(4, 8)}
			if outcome != nil {
				want = nil
			}
			if got := second.fetches(); !slices.Equal(got, want) || !b.peers[1].early.Empty() {
				t.Errorf("after %v it fetches %v, want %v", outcome, got, want)
			}
		})
	}
}

// TestAGetPastTheEnd is for nothing, and no mistake: the session goes on.
func TestAGetPastTheEnd(t *testing.T) {
	inWorld(t, 1, 1, 1000, netsim.Link{Rate: 12_500_000, Delay: 10 * time.Millisecond}, func(w *world) {
		get := func(id proto.ID, start, end int64) *proto.Get {
			return &proto.Get{ID: id, File: 1, Range: rangeset.Range{Start: start, End: end}}
		}
		r := w.rogue(w.servers[0], 1<<20, &proto.Open{ID: 1, Name: fileName}, get(2, 1000, 2000), get(3, 5<<20, 9<<20), get(4, 900, 9<<20))
		r.ask(get(5, 1<<40, 1<<40+proto.MaxGetBytes), &proto.Cancel{ID: 3}, &proto.Drop{ID: 2, Range: rangeset.Range{Start: 1000, End: 2000}}, get(6, 0, 10))
		r.live(time.Second, true)
		if r.ended != nil || r.takes.bytes != 110 {
			t.Errorf("%d bytes came, want 110; %v", r.takes.bytes, r.ended)
		}
		for _, m := range r.takes.heard {
			if f, ok := m.(*proto.Failed); ok {
				t.Errorf("%+v", f)
			}
		}
	})
}
