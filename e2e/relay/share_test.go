package relay

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// sights is what a Watch was called with.
type sights struct {
	mu  sync.Mutex
	all []Sight
}

func (s *sights) add(x Sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.Datagram = slices.Clone(x.Datagram)
	s.all = append(s.all, x)
}

// numbers returns which datagrams were seen entering or leaving a link.
func (s *sights) numbers(up, left bool) (list []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.all {
		if x.Up == up && x.Left == left {
			list = append(list, int(binary.BigEndian.Uint32(x.Datagram)))
		}
	}
	return list
}

// TestLoseByNumber: of each direction those are lost that were named.
func TestLoseByNumber(t *testing.T) {
	var seen sights
	s := newScene(t, Config{LoseUp: []uint64{1, 3, 4}, LoseDown: []uint64{2}, Watch: seen.add})
	got, c := s.upstream(6)
	var arrived []int
	for _, a := range got {
		arrived = append(arrived, int(binary.BigEndian.Uint32(a.payload)))
	}
	if want := []int{1, 4, 5}; !slices.Equal(arrived, want) || c.Lost != 3 {
		t.Errorf("arrived %v, want %v; %d counted as lost", arrived, want, c.Lost)
	}
	for i := range 3 {
		if err := s.server.Write(payload(i), payloadBytes, got[0].from); err != nil {
			t.Fatal(err)
		}
		s.until(func(c Counters) bool { return c.Down.Sent == uint64(i+1) })
	}
	s.until(func(c Counters) bool { return settled(c.Down, 3) })
	for _, want := range []struct {
		up, left bool
		numbers  []int
	}{
		{true, false, []int{0, 1, 2, 3, 4, 5}},
		{true, true, []int{1, 4, 5}},
		{false, false, []int{0, 1, 2}},
		{false, true, []int{0, 2}},
	} {
		if got := seen.numbers(want.up, want.left); !slices.Equal(got, want.numbers) {
			t.Errorf("on the way up %v, leaving %v: seen %v, want %v", want.up, want.left, got, want.numbers)
		}
	}
	for _, x := range seen.all {
		if x.Client != s.client.LocalAddr() || len(x.Datagram) != payloadBytes {
			t.Fatalf("seen: %d bytes of %v", len(x.Datagram), x.Client)
		}
	}
}

// TestMove: the server sees the clients at another address. What a stranger sends
// to that is not passed on.
func TestMove(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	s := newScene(t, Config{})
	s.send(s.client, 0, 1)
	old := s.receive(s.server, 1)[0].from
	elsewhere := netip.MustParseAddr("127.0.0.7")
	if err := s.relay.MoveClients(elsewhere); err != nil {
		t.Fatal(err)
	}
	s.send(s.client, 1, 2)
	moved := s.receive(s.server, 1)[0].from
	if moved.Addr() != elsewhere {
		t.Errorf("the client moved from %v to %v, not to %v", old, moved, elsewhere)
	}
	stranger, err := udp.Dial(moved, udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := stranger.Write(payload(2), payloadBytes, netip.AddrPort{}); err != nil {
		t.Fatal(err)
	}
	if err := s.server.Write(payload(3), payloadBytes, moved); err != nil {
		t.Fatal(err)
	}
	if a := s.receive(s.client, 1)[0]; string(a.payload) != string(payload(3)) {
		t.Errorf("the client got %x", a.payload)
	}
	if err := s.relay.RebindClients(); err != nil {
		t.Fatal(err)
	}
	s.send(s.client, 4, 5)
	if again := s.receive(s.server, 1)[0].from; again.Addr() != elsewhere || again == moved {
		t.Errorf("rebound from %v to %v", moved, again)
	}
	if err := s.relay.MoveClients(netip.MustParseAddr("192.0.2.1")); err == nil {
		t.Error("moved to an address that this host does not have")
	}
}

// TestBeside: of two relays on one link, one finds the queue that the other has
// filled. Each passes on to its own target.
func TestBeside(t *testing.T) {
	const fit = 5
	s := newScene(t, Config{Up: netsim.Link{Rate: 10, QueuePackets: fit, Delay: time.Millisecond}})
	others, err := udp.Listen("127.0.0.1:0", udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer others[0].Close()
	beside, err := Start(Config{Target: others[0].LocalAddr(), Beside: s.relay})
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	conn, err := udp.Dial(beside.Addr(), udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.send(conn, 0, 1)
	s.until(func(c Counters) bool { return c.Up.Sent == 1 })
	s.send(s.client, 1, 1+fit)
	s.until(func(c Counters) bool { return c.Up.Sent == 1+fit })
	if c := beside.Counters(); c.Up.QueueDropped != 1 || c.Clients != 1 {
		t.Errorf("%d dropped by a queue of %d where %d came, of %d clients of one relay", c.Up.QueueDropped, fit, 1+fit, c.Clients)
	}
	s.relay.SetLink(netsim.Link{}, netsim.Link{})
	s.send(conn, 10, 11)
	if a := s.receive(others[0], 1)[0]; string(a.payload) != string(payload(10)) {
		t.Errorf("the other target got %x", a.payload)
	}
}

// TestWhatIsBesideHasNoLink: it would not say which counts.
func TestWhatIsBesideHasNoLink(t *testing.T) {
	s := newScene(t, Config{})
	target := s.server.LocalAddr()
	for name, c := range map[string]Config{
		"a link":  {Target: target, Beside: s.relay, Down: netsim.Link{Loss: 0.1}},
		"numbers": {Target: target, Beside: s.relay, LoseUp: []uint64{1}},
		"a seed":  {Target: target, Beside: s.relay, Seed: 1},
	} {
		if r, err := Start(c); err == nil {
			r.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
