package e2e

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"chunkcp/e2e/relay"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// forger is somebody on the way who sees all datagrams, and sends others as fast
// as it can to both sides: noise, and such that are whole but for what is sealed.
type forger struct {
	server udp.Conn
	noise  []byte // what is sent is cut from it
	stop   chan struct{}
	wg     sync.WaitGroup

	mu   sync.Mutex // guards what was seen last
	up   map[netip.AddrPort]proto.SealedHeader
	down map[netip.AddrPort]proto.SealedHeader

	toServer, toClients tally
}

// tally counts datagrams.
type tally struct{ noise, forged atomic.Int64 }

func newForger(t *testing.T, server netip.AddrPort, seed uint64) *forger {
	t.Helper()
	f := &forger{
		noise: make([]byte, 1<<20), stop: make(chan struct{}),
		up: map[netip.AddrPort]proto.SealedHeader{}, down: map[netip.AddrPort]proto.SealedHeader{},
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := 0; i < len(f.noise); i += 8 {
		binary.LittleEndian.PutUint64(f.noise[i:], rng.Uint64())
	}
	var err error
	if f.server, err = udp.Dial(server, udp.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.server.Close() })
	return f
}

// watch is for the relay that the datagrams pass.
func (f *forger) watch(d relay.Sight) {
	h, _, _, err := proto.ParseSealed(d.Datagram)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if d.Up {
		f.up[d.Client] = h
	} else {
		f.down[d.Client] = h
	}
}

// forget drops what was seen so far.
func (f *forger) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.up)
	clear(f.down)
}

// start sends until finish: from a socket of its own to the server, and through
// the relay to all clients.
func (f *forger) start(through *relay.Relay, seed uint64) {
	f.wg.Go(func() {
		f.flood(&f.toServer, f.up, rand.New(rand.NewPCG(seed, 1)), func(_ netip.AddrPort, run []byte, segment int) {
			_ = f.server.Write(run, segment, netip.AddrPort{}) // what is not taken is lost
		})
	})
	f.wg.Go(func() {
		f.flood(&f.toClients, f.down, rand.New(rand.NewPCG(seed, 2)), func(client netip.AddrPort, run []byte, segment int) {
			_ = through.Forge(client, run, segment)
		})
	})
}

func (f *forger) finish() {
	close(f.stop)
	f.wg.Wait()
}

// flood sends runs to one client's session after another, as last says of them.
func (f *forger) flood(count *tally, last map[netip.AddrPort]proto.SealedHeader, rng *rand.Rand, send func(netip.AddrPort, []byte, int)) {
	const datagrams = 40 // of a run: arbitrary, near the most that one call takes
	var run []byte
	for turn := 0; ; turn++ {
		select {
		case <-f.stop:
			return
		default:
		}
		client, h, ok := f.victim(last, rng)
		if !ok {
			continue // there is none yet
		}
		segment := 64 + rng.IntN(1400)
		at := rng.IntN(len(f.noise) - datagrams*segment)
		run = append(run[:0], f.noise[at:at+datagrams*segment]...)
		if turn%2 == 0 {
			count.noise.Add(datagrams)
		} else {
			count.forged.Add(datagrams)
			for i := range datagrams { // numbers that are not known yet, so that each has to be opened
				h.Number += proto.PacketNumber(1 + rng.IntN(64))
				h.Append(run[i*segment : i*segment])
			}
		}
		send(client, run, segment)
	}
}

func (f *forger) victim(last map[netip.AddrPort]proto.SealedHeader, rng *rand.Rand) (netip.AddrPort, proto.SealedHeader, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(last) == 0 {
		return netip.AddrPort{}, proto.SealedHeader{}, false
	}
	clients := make([]netip.AddrPort, 0, len(last))
	for c := range last {
		clients = append(clients, c)
	}
	slices.SortFunc(clients, netip.AddrPort.Compare)
	c := clients[rng.IntN(len(clients))]
	return c, last[c], true
}
