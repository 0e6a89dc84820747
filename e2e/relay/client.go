package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"chunkcp/internal/udp"
)

// errTooManyClients is why a datagram of a new client is dropped.
var errTooManyClients = errors.New("more clients than MaxClients")

// client is one address that sends to the relay, and the socket by which the
// target knows it.
type client struct {
	conn     udp.Conn // connected to the target; guarded by Relay.mu
	toTarget outlet   // by conn
	toClient outlet   // by the listener
}

// client returns the client with the given address, made at its first datagram.
func (r *Relay) client(addr netip.AddrPort) (*client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.clients[addr]; c != nil {
		return c, nil
	}
	if len(r.clients) >= r.config.MaxClients {
		return nil, errTooManyClients
	}
	c := &client{toClient: outlet{conn: r.listener, addr: addr}}
	if err := r.bind(c); err != nil {
		return nil, err
	}
	r.clients[addr] = c
	return c, nil
}

// bind gives c a new socket and reads from it. r.mu is held.
func (r *Relay) bind(c *client) error {
	if r.closed {
		return net.ErrClosed
	}
	conn, err := udp.Dial(r.config.Target, udp.Options{})
	if err != nil {
		return err
	}
	c.conn = conn
	r.up.setConn(&c.toTarget, conn)
	r.wg.Go(func() {
		read(conn, clientMessages, func(msgs []udp.Message) {
			r.show(c, false, msgs)
			r.down.forward(&c.toClient, msgs)
		})
	})
	return nil
}

// RebindClient moves a client to a new source port towards the target, as a
// NAT does that forgot it. What the target sends to the old port is lost. The
// client is named by the address it sends from.
func (r *Relay) RebindClient(addr netip.AddrPort) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.clients[addr]
	if c == nil {
		return fmt.Errorf("relay: rebind %v: no such client has sent anything", addr)
	}
	return r.rebind(c)
}

// RebindClients is RebindClient for all of them.
func (r *Relay) RebindClients() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		if err := r.rebind(c); err != nil {
			return err
		}
	}
	return nil
}

// rebind replaces c's socket. The old one is closed last, so that the new one
// cannot get its port. r.mu is held.
func (r *Relay) rebind(c *client) error {
	old := c.conn
	if err := r.bind(c); err != nil {
		return fmt.Errorf("relay: rebind %v: %w", c.toClient.addr, err)
	}
	r.dropped += old.Stats().Dropped
	if err := old.Close(); err != nil {
		return fmt.Errorf("relay: rebind %v: %w", c.toClient.addr, err)
	}
	return nil
}
