package relay

import (
	"net/netip"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// BenchmarkRelay sends datagrams of 1,472 bytes through the relay to a server
// that drops them: as runs of 44, one by one, and over a link with loss. The
// sender stays at most window bytes ahead of the relay's count, so that little
// is dropped on the way.
func BenchmarkRelay(b *testing.B) {
	const segment, window = 1472, 1 << 20
	for _, bench := range []struct {
		name      string
		datagrams int
		up        netsim.Link
	}{
		{"runs", 44, netsim.Link{}},
		{"single", 1, netsim.Link{}},
		{"runs-loss", 44, netsim.Link{Loss: 0.01, Delay: time.Millisecond}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := newScene(b, Config{Up: bench.up})
			done := make(chan struct{})
			go func() {
				defer close(done)
				msgs := make([]udp.Message, 16)
				for i := range msgs {
					msgs[i].Buf = make([]byte, udp.MaxRead)
				}
				for {
					if _, err := s.server.Read(msgs); err != nil {
						return
					}
				}
			}()
			run := make([]byte, bench.datagrams*segment)
			b.SetBytes(int64(len(run)))
			var sent uint64
			for b.Loop() {
				if err := s.client.Write(run, segment, netip.AddrPort{}); err != nil {
					b.Fatal(err)
				}
				sent += uint64(len(run))
				if sent%window < uint64(len(run)) {
					waitFor(s, sent-window/2)
				}
			}
			if err := s.server.SetReadDeadline(time.Now()); err != nil {
				b.Fatal(err)
			}
			<-done
			c := s.relay.Counters()
			b.ReportMetric(float64(c.SocketDropped), "dropped")
		})
	}
}

// waitFor waits until the relay has read so many bytes, or drops explain the
// rest.
func waitFor(s *scene, bytes uint64) {
	s.until(func(c Counters) bool { return c.Up.SentBytes+c.SocketDropped*(64<<10) >= bytes })
}
