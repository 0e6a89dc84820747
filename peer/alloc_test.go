package peer

import (
	"math"
	"net/netip"
	"os"
	"testing"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// wire is a udp.Conn that keeps what is written until the other side takes it.
type wire struct {
	run    []byte
	writes [][2]int // start and segment of each
}

func (w *wire) Read([]udp.Message) (int, error) { return 0, os.ErrDeadlineExceeded }

func (w *wire) Write(buf []byte, segment int, _ netip.AddrPort) error {
	w.writes = append(w.writes, [2]int{len(w.run), segment})
	w.run = append(w.run, buf...)
	return nil
}

func (w *wire) SetReadDeadline(time.Time) error { return nil }
func (w *wire) LocalAddr() netip.AddrPort       { return netip.AddrPort{} }
func (w *wire) ReadBuffer(int) int              { return math.MaxInt32 }
func (w *wire) Stats() udp.Stats                { return udp.Stats{} }
func (w *wire) Close() error                    { return nil }

// deliver hands what was written to s, and forgets it.
func (w *wire) deliver(tb testing.TB, now time.Time, s *session) {
	tb.Helper()
	for i, x := range w.writes {
		end := len(w.run)
		if i+1 < len(w.writes) {
			end = w.writes[i+1][0]
		}
		for b := w.run[x[0]:end]; len(b) > 0; {
			n := min(x[1], len(b))
			if err := s.handle(now, b[:n:n]); err != nil {
				tb.Fatal(err)
			}
			b = b[n:]
		}
	}
	w.run, w.writes = w.run[:0], w.writes[:0]
}

// sink is a party that gives any bytes and counts those it gets.
type sink struct{ got int64 }

func (p *sink) credit() uint32                         { return 1 << 30 }
func (p *sink) room(*proto.Segment) bool               { return true }
func (p *sink) place(seg *proto.Segment)               { p.got += int64(len(seg.Payload)) }
func (p *sink) message(time.Time, proto.Message) error { return nil }
func (p *sink) read([][]byte, proto.ID, int64) error   { return nil }

// newKeys returns the keys of a client's side.
func newKeys() secure.Keys { return secure.Keys{Send: [32]byte{2}, Receive: [32]byte{1}} }

// pair is two sessions joined by wires.
type pair struct {
	server, client *session
	down, up       wire
	got            sink
	now            time.Time
	asked          int64
}

func newPair() *pair {
	p := &pair{now: time.Unix(1e9, 0)}
	const rtt = 10 * time.Millisecond
	buffers := newBurstBuffers()
	join := func(isClient bool, keys secure.Keys, conn *wire) *session {
		s := newSession(7, isClient, keys, proto.Welcome{Session: 7, Credit: 1 << 30, MaxDatagram: baseDatagram}, rtt,
			arq.Config{Controller: &arq.Fixed{WindowBytes: 1 << 20}})
		s.conn, s.party, s.buffers = conn, &p.got, buffers
		s.sender.ObserveRTT(rtt)
		return s
	}
	keys := newKeys()
	p.client = join(true, keys, &p.up)
	p.server = join(false, secure.Keys{Send: keys.Receive, Receive: keys.Send}, &p.down)
	mixKeys(p.client, p.server)
	return p
}

// mixKeys ends the exchange of keys between two sessions.
func mixKeys(client, server *session) {
	keys := newKeys()
	keys.Send[1], keys.Receive[1] = 1, 1
	client.mix(keys)
	server.mix(secure.Keys{Send: keys.Receive, Receive: keys.Send})
	for _, s := range []*session{client, server} {
		s.sender.NextNumber() // it carried the exchange
	}
}

// round sends a window of segments and acknowledges them.
func (p *pair) round(tb testing.TB) {
	tb.Helper()
	if p.server.sender.Unsent() < 1<<20 {
		p.asked += 64 << 20
		p.server.sender.Send(1, rangeset.Range{Start: p.asked - 64<<20, End: p.asked})
	}
	for _, s := range []*session{p.server, p.client} {
		if err := s.flush(p.now); err != nil {
			tb.Fatal(err)
		}
	}
	p.now = p.now.Add(5 * time.Millisecond)
	p.down.deliver(tb, p.now, p.client)
	if err := p.client.flush(p.now); err != nil {
		tb.Fatal(err)
	}
	p.now = p.now.Add(5 * time.Millisecond)
	p.up.deliver(tb, p.now, p.server)
}

// TestSegmentsAllocateNothing: sealing, sending, opening, placing and
// acknowledging segments costs no allocation once all has its size.
func TestSegmentsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes a sync.Pool forget")
	}
	p := newPair()
	for range 20 {
		p.round(t)
	}
	before := p.got.got
	const rounds = 50
	allocs := testing.AllocsPerRun(rounds, func() { p.round(t) })
	segments := float64(p.got.got-before) / baseSegment / (rounds + 1)
	if segments < 500 {
		t.Fatalf("only %.0f segments in a round", segments)
	}
	// The buffers' pool may be emptied by the garbage collector.
	if perSegment := allocs / segments; perSegment > 0.01 {
		t.Errorf("%.0f allocations in a round of %.0f segments: %.3f each", allocs, segments, perSegment)
	}
}

func BenchmarkSession(b *testing.B) {
	p := newPair()
	for range 20 {
		p.round(b)
	}
	before := p.got.got
	b.ReportAllocs()
	for b.Loop() {
		p.round(b)
	}
	bytes := float64(p.got.got - before)
	b.ReportMetric(bytes/b.Elapsed().Seconds()/(1<<20), "MiB/s")
	b.ReportMetric(bytes/baseSegment/float64(b.N), "segments/op")
}
