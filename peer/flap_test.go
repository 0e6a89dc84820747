package peer

import (
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

// TestAPathThatFlaps: of two servers one is cut off for 2 s in every 5. Within half a
// second of each time that it is back it takes part again.
func TestAPathThatFlaps(t *testing.T) {
	link := netsim.Link{Rate: 2 << 20, Delay: 5 * time.Millisecond, MTU: 1500}
	const size = 40 << 20
	inWorld(t, 1, 2, size, link, func(w *world) {
		ended := make(chan struct{})
		stopped := make(chan struct{})
		down := time.Duration(0)
		go func() {
			defer close(stopped)
			client, server := w.client.Addr(), w.servers[0].addr.Addr()
			for up := 3700 * time.Millisecond; ; up = 3 * time.Second {
				select {
				case <-ended:
					return
				case <-time.After(up):
				}
				w.net.Cut(client, server)
				time.Sleep(2 * time.Second)
				w.net.Heal(client, server)
				down += 2500 * time.Millisecond
			}
		}()
		_, took := w.fetch(w.options())
		close(ended)
		<-stopped
		ideal := time.Duration(size / (fileShare * float64(link.Rate)) * float64(time.Second))
		against(t, took, (ideal+down)/2, 1.05)
	})
}
