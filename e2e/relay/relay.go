package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// Relay forwards datagrams between clients and one target. Its methods may be
// called by any goroutine.
type Relay struct {
	config   Config
	listener udp.Conn
	up, down *line
	stop     chan struct{}
	wg       sync.WaitGroup

	mu      sync.Mutex // guards what follows; taken before a line's
	closed  bool
	clients map[netip.AddrPort]*client
	dropped uint64 // by sockets that are closed now
}

// Counters is what the relay did.
type Counters struct {
	// Up and Down count as a netsim.Network does: Delivered is what was handed
	// to the kernel, Unreachable what it refused or what had no client. Relays that
	// share their links count together.
	Up, Down netsim.Counters
	// SocketDropped is datagrams that the kernel dropped because the relay did
	// not read fast enough. They are in no other count.
	SocketDropped uint64
	// Clients is how many addresses have sent something.
	Clients int
}

// Start returns a running Relay.
func Start(c Config) (*Relay, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	if c.MaxClients == 0 {
		c.MaxClients = defaultMaxClients
	}
	conns, err := udp.Listen(c.Listen, udp.Options{})
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	c.Target = netip.AddrPortFrom(c.Target.Addr().Unmap(), c.Target.Port()) // as udp.Conn names senders
	r := &Relay{
		config:   c,
		listener: conns[0],
		stop:     make(chan struct{}),
		clients:  make(map[netip.AddrPort]*client),
	}
	if c.Beside != nil {
		r.up, r.down = c.Beside.up, c.Beside.down
	} else {
		// Neighbouring seeds are independent, but must not share a line.
		r.up = newLine(c.Up, c.LoseUp, 2*c.Seed)
		r.down = newLine(c.Down, c.LoseDown, 2*c.Seed+1)
		r.wg.Go(func() { r.up.run(r.stop) })
		r.wg.Go(func() { r.down.run(r.stop) })
	}
	r.wg.Go(r.readClients)
	return r, nil
}

// Addr returns where clients send to.
func (r *Relay) Addr() netip.AddrPort { return r.listener.LocalAddr() }

// Counters returns what happened so far.
func (r *Relay) Counters() Counters {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := Counters{
		Up: r.up.count(), Down: r.down.count(),
		SocketDropped: r.dropped + r.listener.Stats().Dropped,
		Clients:       len(r.clients),
	}
	for _, client := range r.clients {
		c.SocketDropped += client.conn.Stats().Dropped
	}
	return c
}

// SetLink changes both links for datagrams read from now on, as
// netsim.Impairer.SetLink does. It panics when one is not valid.
func (r *Relay) SetLink(up, down netsim.Link) {
	r.up.setLink(up)
	r.down.setLink(down)
}

// Cut drops everything in both directions for d, what is under way and due
// within it too; 0 is until Heal.
func (r *Relay) Cut(d time.Duration) {
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
	}
	r.up.setCut(true, until)
	r.down.setCut(true, until)
}

// Heal ends a Cut.
func (r *Relay) Heal() {
	r.up.setCut(false, time.Time{})
	r.down.setCut(false, time.Time{})
}

// Close ends the relay and waits for its goroutines. What is under way is
// lost. A second call does nothing.
func (r *Relay) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	close(r.stop)
	err := r.listener.Close()
	for _, c := range r.clients {
		err = errors.Join(err, c.conn.Close())
	}
	r.mu.Unlock()
	r.wg.Wait()
	return err
}

// The messages of one read: batches pay for datagrams that come one by one,
// and each message takes 64 KiB of memory; arbitrary.
const (
	listenerMessages = 16
	clientMessages   = 8
)

// readClients forwards what clients send until the listener is closed.
func (r *Relay) readClients() {
	read(r.listener, listenerMessages, func(msgs []udp.Message) {
		// A client's consecutive messages go together.
		for start := 0; start < len(msgs); {
			end := start + 1
			for end < len(msgs) && msgs[end].Addr == msgs[start].Addr {
				end++
			}
			if c, err := r.client(msgs[start].Addr); err == nil {
				r.up.forward(&c.toTarget, msgs[start:end])
			} else {
				r.up.refuse(msgs[start:end])
			}
			start = end
		}
	})
}

// read calls forward with what conn receives until it is closed.
func read(conn udp.Conn, n int, forward func([]udp.Message)) {
	msgs := make([]udp.Message, n)
	for i := range msgs {
		msgs[i].Buf = make([]byte, udp.MaxRead)
	}
	for {
		n, err := conn.Read(msgs)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		// Any other error is about a datagram sent earlier: the target is down.
		forward(msgs[:n])
	}
}
