package relay

import (
	"net/netip"
	"testing"

	"chunkcp/internal/netsim"
)

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
