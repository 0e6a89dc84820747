package e2e

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

const (
	// floodTick is how often a flood sends what is due, and floodBatch how many of
	// it in a call (arbitrary).
	floodTick  = 2 * time.Millisecond
	floodBatch = 64

	// floodPorts is from how many ports it comes.
	floodPorts = 16
)

// flood is first messages of handshakes that nobody goes on with, each from an
// address of its own in 127.128.0.0/9.
type flood struct {
	conns  []*ipv4.PacketConn
	batch  []ipv4.Message
	server *net.UDPAddr
	noise  []byte
	sent   atomic.Int64
	quit   chan struct{}
	over   sync.WaitGroup
}

// startFlood floods a server at about a rate until it is stopped.
func startFlood(server netip.AddrPort, perSec int) (*flood, error) {
	f := &flood{server: net.UDPAddrFromAddrPort(server), batch: make([]ipv4.Message, floodBatch), quit: make(chan struct{})}
	id, err := secure.NewIdentity(nil)
	if err != nil {
		return nil, err
	}
	hs, err := secure.NewInitiator(secure.HandshakeConfig{Identity: id})
	if err != nil {
		return nil, err
	}
	if f.noise, err = hs.WriteMessage(nil, nil); err != nil {
		return nil, err
	}
	for range floodPorts {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{})
		if err != nil {
			f.close()
			return nil, err
		}
		_ = c.SetReadBuffer(1) // the answers are not read
		f.conns = append(f.conns, ipv4.NewPacketConn(c))
	}
	f.over.Go(func() { f.run(perSec) })
	return f, nil
}

func (f *flood) run(perSec int) {
	ticker := time.NewTicker(floodTick)
	defer ticker.Stop()
	most := 4 * perSec * int(floodTick) / int(time.Second) // where the machine was busy
	due, last := 0.0, time.Now()
	for {
		select {
		case now := <-ticker.C:
			due = min(due+now.Sub(last).Seconds()*float64(perSec), float64(most))
			last = now
		case <-f.quit:
			return
		}
		for due >= 1 {
			due -= float64(f.send(min(int(due), floodBatch)))
		}
	}
}

// send sends n Hellos.
func (f *flood) send(n int) int {
	at := f.sent.Add(int64(n)) - int64(n)
	for i := range f.batch[:n] {
		k := uint64(at) + uint64(i)
		h := proto.Hello{Version: proto.Version, ID: proto.HelloID(mix(k)), Noise: f.noise}
		from := ipv4.ControlMessage{Src: net.IPv4(127, 128|byte(k>>16), byte(k>>8), byte(k))}
		f.batch[i] = ipv4.Message{Buffers: [][]byte{h.Append(nil)}, OOB: from.Marshal(), Addr: f.server}
	}
	// What the kernel has no room for is as good as lost on the way.
	_, _ = f.conns[at/floodBatch%floodPorts].WriteBatch(f.batch[:n], 0)
	return n
}

// stop ends the flood and returns how many Hellos it had.
func (f *flood) stop() int64 {
	close(f.quit)
	f.over.Wait()
	f.close()
	return f.sent.Load()
}

func (f *flood) close() {
	for _, c := range f.conns {
		c.Close()
	}
}
