package e2e

import (
	"fmt"
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
	testRebinding(t, func(l *relay.Relay, _ int) (netip.Addr, error) {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), l.RebindClients()
	})
}

// TestInteropRebindAddr: the same, with another address each time.
func TestInteropRebindAddr(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	long(t)
	testRebinding(t, func(l *relay.Relay, n int) (netip.Addr, error) {
		host := netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + n)})
		return host, l.MoveClients(host)
	})
}

// testRebinding fetches, and calls rebind with how often it has. That returns the
// address at which the server should see the client.
func testRebinding(t *testing.T, rebind func(l *relay.Relay, n int) (netip.Addr, error)) {
	t.Helper()
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.file("large", 10*mebibyte)
	d := i.fetch("large")
	// A client whose address changes before the keys are mixed opens another session
	// (package peer).
	i.check(await(interopLimit, func() bool { return i.wire.bytesDown() > 64<<10 }))
	rebound, moved := 0, 0
	for wait := time.Second; d.lasts(wait); wait = 5 * time.Second {
		rebound++
		host, err := rebind(i.relay, rebound)
		i.check(err)
		if i.follows(d, moved, host) {
			moved++
		}
	}
	r := i.finish(d)
	if rebound < 2 || moved < rebound-1 { // the last may have come at the very end
		t.Errorf("rebound %d times, and the server followed %d times", rebound, moved)
	}
	i.once()
	i.judge(shareOf(r.Bytes, r.Seconds), leastShare, 1)
	i.tell(r, "rebound %d times, the server followed %d times, in the same session", rebound, moved)
}

// follows waits until the server has followed the client once more than so many
// times, to an address. It returns false if the fetch ends before.
func (i *interop) follows(d *download, times int, to netip.Addr) bool {
	i.t.Helper()
	seen := fmt.Sprintf(`"to":"%v:`, to)
	var moves []string
	i.check(await(interopLimit, func() bool {
		moves = nil
		for line := range strings.Lines(i.server.stderr.String()) {
			if strings.Contains(line, `"msg":"client moved"`) {
				moves = append(moves, line)
			}
		}
		return len(moves) > times || !d.running()
	}))
	if len(moves) <= times {
		return false
	}
	if last := moves[len(moves)-1]; !strings.Contains(last, seen) {
		i.t.Errorf("the client was moved to %v, and the server says %s", to, last)
	}
	return true
}
