package e2e

import (
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"chunkcp/e2e/relay"
)

// TestInteropRebindPort: the server sees the client at another port after a second,
// and then every five.
func TestInteropRebindPort(t *testing.T) {
	long(t)
	testRebinding(t, func(l *relay.Relay, _ int) error { return l.RebindClients() })
}

// TestInteropRebindAddr: the same, with another address each time.
func TestInteropRebindAddr(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	long(t)
	testRebinding(t, func(l *relay.Relay, n int) error {
		return l.MoveClients(netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + n)}))
	})
}

func testRebinding(t *testing.T, rebind func(l *relay.Relay, n int) error) {
	t.Helper()
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.file("large", 10*mebibyte)
	d := i.fetch("large")
	rebound := 0
	for wait := time.Second; d.lasts(wait); wait = 5 * time.Second {
		rebound++
		i.check(rebind(i.relay, rebound))
	}
	r := i.finish(d)
	moved := strings.Count(i.server.stderr.String(), `"msg":"client moved"`)
	if rebound < 2 || moved < rebound-1 { // the last may have come at the very end
		t.Errorf("rebound %d times, and the server followed %d times", rebound, moved)
	}
	i.once()
	if share := shareOf(r.Bytes, r.Seconds); share < leastShare {
		t.Errorf("%.2f of the link", share)
	}
	i.tell(r, "rebound %d times, the server followed %d times, in the same session", rebound, moved)
}
