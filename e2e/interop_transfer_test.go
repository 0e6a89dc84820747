package e2e

import (
	"fmt"
	"net"
	"testing"
	"time"

	"chunkcp/e2e/relay"
	"chunkcp/internal/netsim"
	"chunkcp/proto"
)

const (
	mebibyte = 1 << 20

	// leastShare is what a fetch must have of the link while it has it for itself,
	// leastGoodput the same where that is what the case is about. 0.94 is what headers
	// leave (README.md); the rest is for a host that has other things to do.
	leastShare   = 0.5
	leastGoodput = 0.75
)

// TestInteropTransfer: three files at a time through one server and one link.
func TestInteropTransfer(t *testing.T) {
	long(t)
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.sessions = "4" // what a fetch from one server has unless told otherwise
	var all []*download
	for _, size := range []int64{2, 3, 5} {
		name := fmt.Sprintf("file%d", size)
		i.file(name, size*mebibyte)
		all = append(all, i.fetch(name))
	}
	var seconds float64
	for _, d := range all {
		r := i.finish(d)
		i.tell(r, "of %d MiB", d.size/mebibyte)
		seconds = max(seconds, r.Seconds)
	}
	share := shareOf(10*mebibyte, seconds)
	i.judge(share, leastShare, 1)
	t.Logf("10 MiB in %.2f s, %.0f%% of the link, %d sessions", seconds, 100*share, i.wire.handshakes())
}

// TestInteropLongRTT: with 1.5 s from a Hello to its answer the Hello is repeated,
// and yet there is one session.
func TestInteropLongRTT(t *testing.T) {
	long(t)
	link := interopLink()
	link.Delay = 750 * time.Millisecond
	i := newInterop(t, "127.0.0.1:0", relay.Config{Up: link, Down: link})
	i.file("small", 1024)
	r := i.finish(i.fetch("small"))
	i.once()
	if n := i.wire.of(proto.KindHello); n < 2 || len(i.wire.attempts) != 1 {
		t.Errorf("%d Hellos of %d attempts, want one that is repeated", n, len(i.wire.attempts))
	}
	if r.Seconds < 3 { // two round trips
		t.Errorf("it took %.2f s: the link is not as long as it should be", r.Seconds)
	}
	i.tell(r, "%.1f round trips of 1.5 s, %d Hellos", r.Seconds/1.5, i.wire.of(proto.KindHello))
}

// TestInteropBlackhole: for two seconds nothing passes.
func TestInteropBlackhole(t *testing.T) {
	long(t)
	const off = 2 * time.Second
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.file("large", 10*mebibyte)
	d := i.fetch("large")
	if !d.lasts(5 * time.Second) {
		t.Fatal("it was over before the link was off")
	}
	before := i.wire.bytesDown()
	i.relay.Cut(off)
	if !d.lasts(off * 9 / 10) {
		t.Fatal("it was over while the link was off")
	}
	during := i.wire.bytesDown() - before
	r := i.finish(d)
	c := i.relay.Counters()
	if c.Up.Cut == 0 || c.Down.Cut == 0 || during > 64<<10 { // what had left the link by then
		t.Errorf("while the link was off %d and %d datagrams were lost, and %d bytes came", c.Up.Cut, c.Down.Cut, during)
	}
	// A server that hears nothing asks after ever longer times, a client gives up after
	// three seconds: whichever is first.
	handshakes := i.wire.handshakes()
	if handshakes > 2 {
		t.Errorf("%d sessions were opened, want one, or another after it", handshakes)
	}
	on := r.Seconds - off.Seconds()
	i.judge(shareOf(r.Bytes, on), leastShare, 1)
	i.tell(r, "%.0f%% of the link while it was on; %d and %d datagrams lost while it was off; %d sessions",
		100*shareOf(r.Bytes, on), c.Up.Cut, c.Down.Cut, handshakes)
}

// TestInteropTransferTrouble: some datagrams are lost, or damaged in their head.
// The relay sends each anew, and so with a checksum that fits: what is damaged
// reaches the programs.
func TestInteropTransferTrouble(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*netsim.Link)
		happened func(netsim.Counters) uint64
	}{
		{
			"loss", func(l *netsim.Link) { l.Loss, l.LossRun = 0.02, 3 },
			func(c netsim.Counters) uint64 { return c.Lost },
		},
		{
			"corruption", func(l *netsim.Link) { l.Corrupt, l.CorruptRun, l.CorruptHead = 0.02, 3, 50 },
			func(c netsim.Counters) uint64 { return c.Corrupted },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			long(t)
			link := interopLink()
			c.change(&link)
			i := newInterop(t, "127.0.0.1:0", relay.Config{Up: link, Down: link, Seed: 5})
			i.file("middle", 2*mebibyte)
			r := i.finish(i.fetch("middle"))
			counts := i.relay.Counters()
			up, down := c.happened(counts.Up), c.happened(counts.Down)
			if up == 0 || down < 10 { // of some 1,500, a fiftieth
				t.Errorf("it happened to %d datagrams up and %d down (seed 5)", up, down)
			}
			i.once()
			segments, repeated := r.received()
			if again := float64(repeated) / float64(segments); again < 0.005 || again > 0.3 {
				t.Errorf("%.3f of the segments were sent again (seed 5)", again)
			}
			i.tell(r, "it happened to %d of %d datagrams up, %d of %d down", up, counts.Up.Sent, down, counts.Down.Sent)
		})
	}
}

// TestInteropIPv6: server, relay and client have no other addresses.
func TestInteropIPv6(t *testing.T) {
	t.Parallel()
	probe, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skip("this host has no IPv6:", err)
	}
	probe.Close()
	i := newInterop(t, "[::1]:0", relay.Config{})
	for _, size := range []int64{5, 10} {
		name := fmt.Sprintf("file%d", size)
		i.file(name, size<<10)
		r := i.finish(i.fetch(name))
		if addr := i.relay.Addr().Addr(); !addr.Is6() || addr.Is4In6() || !i.server.addr.Addr().Is6() {
			t.Errorf("the relay listens on %v, the server on %v", addr, i.server.addr)
		}
		i.tell(r, "of %d KiB, by %v", size, i.relay.Addr().Addr())
	}
	if n := i.wire.handshakes(); n != 2 {
		t.Errorf("%d sessions for two files", n)
	}
}

// TestInteropGoodput: how much of a link one session takes.
func TestInteropGoodput(t *testing.T) {
	long(t)
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.file("large", 10*mebibyte)
	r := i.finish(i.fetch("large"))
	i.once()
	i.judge(shareOf(r.Bytes, r.Seconds), leastGoodput, 1)
	i.tell(r, "%d datagrams dropped by the queue", i.relay.Counters().Down.QueueDropped)
}
