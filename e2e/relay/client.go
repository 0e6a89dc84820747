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
	conn     udp.Conn   // guarded by Relay.mu
	host     netip.Addr // that conn is bound to, zero if the kernel chooses; guarded by Relay.mu
	toTarget outlet     // by conn
	toClient outlet     // by the listener
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
	c := &client{
		toTarget: outlet{addr: r.config.Target, watch: watcher{r.config.Watch, true, addr}},
		toClient: outlet{conn: r.listener, addr: addr, watch: watcher{r.config.Watch, false, addr}},
	}
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
	conn, err := r.open(c.host)
	if err != nil {
		return err
	}
	c.conn = conn
	r.up.setConn(&c.toTarget, conn)
	r.wg.Go(func() {
		read(conn, clientMessages, func(msgs []udp.Message) {
			for i := range msgs {
				if msgs[i].Addr != r.config.Target {
					msgs[i].N = 0 // a stranger's
				}
			}
			r.down.forward(&c.toClient, msgs)
		})
	})
	return nil
}

// open returns a socket for the target: one that is connected to it or, from an
// address that was asked for, one that is bound there.
func (r *Relay) open(host netip.Addr) (udp.Conn, error) {
	if !host.IsValid() {
		return udp.Dial(r.config.Target, udp.Options{})
	}
	conns, err := udp.Listen(netip.AddrPortFrom(host, 0).String(), udp.Options{})
	if err != nil {
		return nil, err
	}
	return conns[0], nil
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

// MoveClients moves all clients to another address of this host, and there to new
// ports. Each is later rebound there.
func (r *Relay) MoveClients(host netip.Addr) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		c.host = host
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
