// Package probe measures the round trip of a path while others use it, by small
// UDP packets that are echoed.
package probe

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"chunkcp/e2e/bench/internal/netns"
)

const (
	// port is the echo service's (RFC 862).
	port = 7
	// interval is that of the probes: 44 bytes each, which is 3.5 kbit/s;
	// arbitrary.
	interval = 100 * time.Millisecond
)

// Probe is one that runs.
type Probe struct {
	client, server *net.UDPConn
	stop           chan struct{}
	all            sync.WaitGroup
	begin          time.Time

	answers atomic.Int64
	sum     time.Duration // of their round trips; the reader's until it has ended
}

// Start probes the path from a client's namespace to an address in a server's.
func Start(clientNetns, serverNetns string, server netip.Addr) (*Probe, error) {
	p := &Probe{stop: make(chan struct{}), begin: time.Now()}
	addr := net.UDPAddrFromAddrPort(netip.AddrPortFrom(server, port))
	err := netns.Do(serverNetns, func() (err error) {
		p.server, err = net.ListenUDP("udp4", addr)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("echo for probes: %w", err)
	}
	err = netns.Do(clientNetns, func() (err error) {
		p.client, err = net.DialUDP("udp4", nil, addr)
		return err
	})
	if err != nil {
		p.server.Close()
		return nil, fmt.Errorf("probe: %w", err)
	}
	p.all.Go(p.echo)
	p.all.Go(p.read)
	p.all.Go(p.send)
	return p, nil
}

// Stop ends the probes and returns the mean round trip, 0 if none came back.
// Probes that were lost count for nothing.
func (p *Probe) Stop() time.Duration {
	close(p.stop)
	p.client.Close()
	p.server.Close()
	p.all.Wait()
	n := p.answers.Load()
	if n == 0 {
		return 0
	}
	return p.sum / time.Duration(n)
}

func (p *Probe) send() {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		stamp := binary.BigEndian.AppendUint64(nil, uint64(time.Since(p.begin)))
		_, _ = p.client.Write(stamp) // a full queue is the path's to show
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
	}
}

func (p *Probe) echo() {
	var buf [64]byte
	for {
		n, from, err := p.server.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			return // closed
		}
		_, _ = p.server.WriteToUDPAddrPort(buf[:n], from)
	}
}

func (p *Probe) read() {
	var buf [64]byte
	for {
		n, err := p.client.Read(buf[:])
		select {
		case <-p.stop:
			return
		default:
		}
		if err != nil || n != 8 {
			continue // a port that was refused, before the echo is there
		}
		p.sum += time.Since(p.begin) - time.Duration(binary.BigEndian.Uint64(buf[:]))
		p.answers.Add(1)
	}
}
