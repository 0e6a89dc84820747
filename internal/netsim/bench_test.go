package netsim

import (
	"net/netip"
	"testing"
	"time"
)

const benchSegment, benchRun = 1452, 32

// reportDatagrams turns runs into datagrams.
func reportDatagrams(b *testing.B) {
	b.SetBytes(benchRun * benchSegment)
	b.ReportMetric(float64(b.N)*benchRun/b.Elapsed().Seconds(), "datagrams/s")
}

// BenchmarkLink writes runs through a perfect link and reads them.
func BenchmarkLink(b *testing.B) {
	n := New(1)
	defer n.Close()
	server, err := n.Host(serverAddr).Listen(serverPort)
	if err != nil {
		b.Fatal(err)
	}
	client, err := n.Host(clientAddr).Dial(server.LocalAddr())
	if err != nil {
		b.Fatal(err)
	}
	run, msgs := make([]byte, benchRun*benchSegment), newMessages(4)
	b.ReportAllocs()
	for b.Loop() {
		if err := client.Write(run, benchSegment, netip.AddrPort{}); err != nil {
			b.Fatal(err)
		}
		if _, err := server.Read(msgs); err != nil {
			b.Fatal(err)
		}
	}
	reportDatagrams(b)
	if got := n.Counters(); got.Delivered != got.Sent {
		b.Fatalf("the benchmark lost datagrams: %+v", got)
	}
}

// BenchmarkBusyLink is the cost of a datagram on a link with every impairment
// and 2,000 datagrams under way, without the wakes of timer and reader.
func BenchmarkBusyLink(b *testing.B) {
	im := NewImpairer(Link{
		Rate: 125_000_000, Delay: 20 * time.Millisecond, Jitter: time.Millisecond, Loss: 0.01, BurstLen: 3,
		Duplicate: 0.01, Reorder: 0.01, ReorderBy: time.Millisecond, Corrupt: 0.001, MTU: 1500,
	}, 1)
	var g agenda
	var pool packetPool
	run, now := make([]byte, benchRun*benchSegment), start
	b.ReportAllocs()
	for b.Loop() {
		for d := range split(run, benchSegment) {
			for _, f := range im.admit(now, len(d)) {
				p := pool.get(len(d))
				copy(p.payload, d)
				g.push(f.due, p)
			}
			now = now.Add(12 * time.Microsecond)
		}
		for due, ok := g.next(); ok && !due.After(now); due, ok = g.next() {
			pool.put(g.pop())
		}
	}
	reportDatagrams(b)
}

// TestSteadyStateDoesNotAllocate holds the write and the read of a run to the
// storage they reuse.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	p := newPath(t, 1, Link{}, SocketOptions{})
	run, msgs := make([]byte, benchRun*benchSegment), newMessages(4)
	allocs := testing.AllocsPerRun(1000, func() {
		if err := p.client.Write(run, benchSegment, netip.AddrPort{}); err != nil {
			t.Fatal(err)
		}
		if n, err := p.server.Read(msgs); err != nil || msgs[0].N != len(run) {
			t.Fatalf("%d messages, %v", n, err)
		}
	})
	if allocs > 1 {
		t.Errorf("%v allocations for %d datagrams", allocs, benchRun)
	}
}
