package e2e

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"chunkcp/e2e/relay"
	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// TestInteropCrossTraffic: beside a fetch of 25 MiB another one of as much goes
// through the same link. Which share each has is counted until the first is over.
func TestInteropCrossTraffic(t *testing.T) {
	long(t)
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.file("huge", 25*mebibyte)
	beside := newWire()
	other := i.link(i.server.addr, beside, relay.Config{Beside: i.relay})
	first := i.fetch("huge")
	second, err := i.fetchBy(other, "huge")
	i.check(err)
	select {
	case <-first.exited:
	case <-second.exited:
	}
	a, b := i.wire.bytesDown(), beside.bytesDown()
	one, two := i.finish(first), i.finish(second)
	share := float64(a) / float64(a+b)
	i.judge(share, 0.2, 0.8)
	both := shareOf(one.Bytes+two.Bytes, max(one.Seconds, two.Seconds))
	i.judge(both, leastShare, 1)
	i.once()
	i.tell(one, "the one had %.2f of what passed while both went on", share)
	i.tell(two, "the other had %.2f; both together %.0f%% of the link", 1-share, 100*both)
}

// TestInteropFlood: beside a fetch datagrams come at half of the link's rate, from a
// sender that nothing slows down.
func TestInteropFlood(t *testing.T) {
	long(t)
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.file("large", 10*mebibyte)
	f := i.constantStream(interopRate / 2)
	d := i.fetch("large")
	began, before := time.Now(), f.count()
	r := i.finish(d)
	seconds, after := time.Since(began).Seconds(), f.count()
	i.once()
	sent, came := after.sent-before.sent, after.came-before.came
	flood := float64(sent*f.packet) / seconds / interopRate
	if flood < 0.4 || flood > 0.55 {
		t.Errorf("the flood was %.2f of the link, want a half", flood)
	}
	i.judge(shareOf(r.Bytes, r.Seconds), 0.2, 0.6)
	i.tell(r, "the flood was %.0f%% of the link, and %.1f%% of it was lost", 100*flood, 100*(1-float64(came)/float64(sent)))
}

// constantStream is datagrams at a constant rate through the link, to a client of their own.
type constantStream struct {
	packet     int64 // bytes, headers included
	sent, came atomic.Int64
}

type streamCount struct{ packet, sent, came int64 }

func (f *constantStream) count() streamCount {
	return streamCount{f.packet, f.sent.Load(), f.came.Load()}
}

// constantStream starts one of some bytes a second, which ends with the test.
func (i *interop) constantStream(bytesPerSec int64) *constantStream {
	i.t.Helper()
	const payload = 1400
	f := &constantStream{packet: payload + netsim.HeaderBytes}
	sources, err := udp.Listen("127.0.0.1:0", udp.Options{})
	i.check(err)
	source := sources[0]
	l := i.link(source.LocalAddr(), newWire(), relay.Config{Beside: i.relay})
	sink, err := udp.Dial(l.Addr(), udp.Options{})
	i.check(err)
	i.check(sink.Write([]byte("here"), 4, netip.AddrPort{})) // makes the sink known to the relay
	msgs := []udp.Message{{Buf: make([]byte, udp.MaxRead)}}
	i.check(source.SetReadDeadline(time.Now().Add(startLimit)))
	_, err = source.Read(msgs)
	i.check(err)
	to := msgs[0].Addr

	stop, ended := make(chan struct{}), make(chan struct{}, 2)
	go func() { // what is due, each few milliseconds
		defer func() { ended <- struct{}{} }()
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		b, began := make([]byte, payload), time.Now()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			due := int64(time.Since(began).Seconds()*float64(bytesPerSec)) / f.packet
			for f.sent.Load() < due {
				_ = source.Write(b, len(b), to) // as good as lost on the way
				f.sent.Add(1)
			}
		}
	}()
	go func() {
		defer func() { ended <- struct{}{} }()
		msgs := []udp.Message{{Buf: make([]byte, udp.MaxRead)}}
		for {
			if _, err := sink.Read(msgs); err != nil {
				return
			}
			f.came.Add(int64((msgs[0].N + msgs[0].Segment - 1) / msgs[0].Segment))
		}
	}()
	i.t.Cleanup(func() {
		close(stop)
		source.Close()
		sink.Close()
		<-ended
		<-ended
	})
	return f
}
