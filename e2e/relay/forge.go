package relay

import (
	"fmt"
	"net/netip"
)

// Forge sends a run of datagrams to a client as if they came from the target.
// They pass no link, and no counter counts them.
func (r *Relay) Forge(addr netip.AddrPort, run []byte, segment int) error {
	r.mu.Lock()
	c := r.clients[addr]
	r.mu.Unlock()
	if c == nil {
		return fmt.Errorf("relay: forge for %v: no such client has sent anything", addr)
	}
	return r.listener.Write(run, segment, addr)
}
