package relay

import (
	"net/netip"
	"slices"
	"sync"
	"testing"

	"chunkcp/internal/netsim"
)

// TestWatch: what is read is shown, lost or not, with whose it is.
func TestWatch(t *testing.T) {
	var mu sync.Mutex
	var seen []Sighting
	s := newScene(t, Config{Up: netsim.Link{Loss: 0.5}, Watch: func(d Sighting) {
		mu.Lock()
		defer mu.Unlock()
		d.Bytes = slices.Clone(d.Bytes)
		seen = append(seen, d)
	}})
	got, c := s.upstream(500)
	if c.Lost == 0 {
		t.Error("nothing was lost")
	}
	if err := s.server.Write(payload(7), payloadBytes, got[0].from); err != nil {
		t.Fatal(err)
	}
	s.receive(s.client, 1)
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 501 {
		t.Fatalf("%d datagrams were shown, want 501", len(seen))
	}
	for i, d := range seen {
		want := payload(i)
		if i == 500 {
			want = payload(7)
		}
		if d.Client.Port() != s.client.LocalAddr().Port() || d.Up != (i < 500) || string(d.Bytes) != string(want) {
			t.Fatalf("datagram %d is shown as %+v", i, d)
		}
	}
}

// TestForge: a client cannot tell what is forged from what the target sends.
func TestForge(t *testing.T) {
	s := newScene(t, Config{Down: netsim.Link{Loss: 1}})
	s.upstream(1)
	client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), s.client.LocalAddr().Port())
	if err := s.relay.Forge(client, append(payload(1), payload(2)...), payloadBytes); err != nil {
		t.Fatal(err)
	}
	for i, a := range s.receive(s.client, 2) {
		if string(a.payload) != string(payload(i+1)) || a.from != s.relay.Addr() {
			t.Errorf("datagram %d from %v: %x", i, a.from, a.payload)
		}
	}
	if c := s.relay.Counters(); c.Down != (netsim.Counters{}) {
		t.Errorf("counters %+v", c.Down)
	}
	if err := s.relay.Forge(netip.AddrPortFrom(client.Addr(), 1), payload(1), payloadBytes); err == nil {
		t.Error("forged for who is no client")
	}
}
