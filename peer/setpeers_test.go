package peer

import (
	"context"
	"errors"
	"testing"
	"time"

	"chunkcp/proto"
)

// TestPeersLeaveAndWhatFollows: that the peers of the file under way leave has another one
// begin, but not in the hands of whoever has read the config: a fetch that ends meanwhile
// would leave its part file.
func TestPeersLeaveAndWhatFollows(t *testing.T) {
	b := bare(t, 4<<20, 2)
	b.opened(0, 5<<20)
	b.opened(1, 4<<20)
	if b.size != 5<<20 {
		t.Fatalf("a file of %d bytes is fetched", b.size)
	}
	if err := b.SetPeers(b.opt.Peers[1:]); err != nil {
		t.Fatal(err)
	}
	if b.size != 5<<20 || b.peers[0].state != Out {
		t.Errorf("a file of %d bytes, begun outside of the fetch's loop; the first peer is %v", b.size, b.peers[0].state)
	}
	b.tick(b.answered)
	if b.size != 4<<20 {
		t.Errorf("a file of %d bytes is fetched, which nobody has", b.size)
	}
}

// TestAPeerThatIsOutStaysOut, though the session in which it was found out ends otherwise.
func TestAPeerThatIsOutStaysOut(t *testing.T) {
	b := bare(t, 4<<20, 1)
	b.opened(0, 4<<20)
	p := b.peers[0]
	b.mu.Lock()
	b.bench(p, ErrIntegrity)
	p.sessions = 0
	b.mu.Unlock()
	if final := b.lost(p, errSilent); !final || p.state != Out || !errors.Is(p.err, ErrIntegrity) {
		t.Errorf("final: %v; it is %v: %v", final, p.state, p.err)
	}
}

// TestAPeerIsNamedAgain: one that was out, was removed and is named again is asked again.
func TestAPeerIsNamedAgain(t *testing.T) {
	b := bare(t, 4<<20, 2)
	ctx, stop := context.WithCancel(t.Context())
	stop() // nobody is to be asked
	b.ctx = ctx
	defer b.running.Wait()
	b.opened(1, 4<<20)
	both := b.opt.Peers
	b.mu.Lock()
	b.bench(b.peers[0], ErrNotFound)
	b.mu.Unlock()
	for _, peers := range [][]Peer{both[1:], both} {
		if err := b.SetPeers(peers); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.peers); n != 3 || b.peers[2].Addr != both[0].Addr {
		t.Errorf("%d peers", n)
	}
}

// TestBusyIsAnAnswerToComeBackTo: a server that has no room now may have the file.
func TestBusyIsAnAnswerToComeBackTo(t *testing.T) {
	b := bare(t, 4<<20, 2)
	b.mu.Lock()
	b.bench(b.peers[0], ErrNotFound)
	b.mu.Unlock()
	b.lost(b.peers[1], &errClosed{proto.Close{Code: proto.CloseBusy}})
	if err := b.pass(notFoundGrace + time.Second); err != nil {
		t.Errorf("%v, though one has only no room", err)
	}
	b.lost(b.peers[1], errNoAnswer)
	if err := b.pass(0); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}
