package peer

import (
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// TestNobodyWaitsForWhatOthersHave: a server is silent until others have all
// its ranges, and comes back. Nothing is outstanding then, so that it does not
// count as silent again while the slowest server ends the fetch.
func TestNobodyWaitsForWhatOthersHave(t *testing.T) {
	heavy(t)
	link := storyLink
	link.Rate, link.Queue = link.Rate/4, 32<<10
	inWorld(t, 1, 3, 48<<20, link, func(w *world) {
		slow := link
		slow.Rate /= 8
		w.net.SetPath(w.client.Addr(), w.servers[2].host.Addr(), slow)
		w.after(2600*time.Millisecond, func() { w.net.Cut(w.client.Addr(), w.servers[1].host.Addr()) })
		w.after(4400*time.Millisecond, func() { w.net.Heal(w.client.Addr(), w.servers[1].host.Addr()) })
		core, logs := observer.New(zap.WarnLevel)
		o := w.options()
		o.Log = zap.New(core)
		began := time.Now()
		w.fetch(o)
		for _, l := range logs.All() {
			t.Log(l.Time.Sub(began), l.Message, l.ContextMap())
		}
		if n := logs.FilterMessage("peer is silent").FilterField(zap.String("peer", w.servers[1].addr.String())).Len(); n != 1 {
			t.Errorf("the server was silent once, and said to be %d times", n)
		}
	})
}
