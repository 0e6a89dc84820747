package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chunkcp/e2e/relay"
	"chunkcp/internal/netsim"
)

const (
	// interopLimit is how long a fetch of a case may take. Arbitrary: some times
	// what the longest takes on an idle machine.
	interopLimit = 4 * time.Minute

	interopRate = 1_250_000 // bytes per second of the link: 10 Mbit/s
)

// interopLink is one direction of the link that the QUIC interop runner has in most
// of its cases (its scenario simple-p2p; M. Seemann and J. Iyengar, "Automating QUIC
// interoperability testing", 2020).
func interopLink() netsim.Link {
	return netsim.Link{Rate: interopRate, QueuePackets: 25, Delay: 15 * time.Millisecond, MTU: 1500}
}

// interop is a server, the link before it, and what passed that. See docs/interop.md.
type interop struct {
	t        *testing.T
	dir      string
	listen   string // of server and relay
	server   *server
	relay    *relay.Relay
	wire     *wire
	pulse    *pulse
	sessions string // of a fetch
	fetches  int
}

// newInterop starts a server and a relay before it. c may say all of the relay but
// what it leads to; without links it has the usual ones.
func newInterop(t *testing.T, listen string, c relay.Config) *interop {
	t.Helper()
	i := &interop{t: t, dir: t.TempDir(), listen: listen, wire: newWire(), pulse: feel(t), sessions: "1"}
	i.check(os.MkdirAll(i.root(), 0o755))
	var err error
	i.server, err = serve(filepath.Dir(i.root()), i.root(), listen)
	i.check(err)
	t.Cleanup(func() {
		if err := i.server.stop(); err != nil {
			t.Error(err)
		}
	})
	i.relay = i.link(i.server.addr, i.wire, c)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("relay: %+v\nserver:\n%s", i.relay.Counters(), i.server.stderr.String())
		}
	})
	return i
}

func (i *interop) root() string { return filepath.Join(i.dir, "server", "root") }

// link starts a relay.
func (i *interop) link(target netip.AddrPort, w *wire, c relay.Config) *relay.Relay {
	i.t.Helper()
	c.Target, c.Listen, c.Watch = target, i.listen, w.see
	if c.Beside == nil && c.Up == (netsim.Link{}) && c.Down == (netsim.Link{}) {
		c.Up, c.Down = interopLink(), interopLink()
	}
	l, err := relay.Start(c)
	i.check(err)
	i.t.Cleanup(func() { i.check(l.Close()) })
	return l
}

// file puts a file before the server.
func (i *interop) file(name string, size int64) {
	i.t.Helper()
	i.check(writePattern(filepath.Join(i.root(), name), size))
}

func (i *interop) check(err error) {
	i.t.Helper()
	if err != nil {
		i.t.Fatal(err)
	}
}

// download is a fetch of one file.
type download struct {
	*process
	out  string
	size int64
}

// fetch begins the fetch of a file over the link.
func (i *interop) fetch(name string) *download {
	i.t.Helper()
	d, err := i.fetchBy(i.relay, name)
	i.check(err)
	return d
}

// fetchBy is fetch over another link. Each fetch has a home, and so a key, of its own.
func (i *interop) fetchBy(l *relay.Relay, name string) (*download, error) {
	i.fetches++
	info, err := os.Stat(filepath.Join(i.root(), name))
	if err != nil {
		return nil, err
	}
	home := filepath.Join(i.dir, fmt.Sprintf("client%d", i.fetches))
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	d := &download{out: filepath.Join(home, name), size: info.Size()}
	d.process, err = start(home, environment(home), "fetch", name, "-n", i.sessions, "--json", "-o", d.out, "--peer", l.Addr().String())
	if err != nil {
		return nil, err
	}
	i.t.Cleanup(d.kill)
	return d, nil
}

// finish waits for a fetch, which must end with exit code 0 and the right file.
func (i *interop) finish(d *download) report {
	i.t.Helper()
	r, err := d.result()
	i.check(err)
	return r
}

// result is finish from any goroutine.
func (d *download) result() (report, error) {
	code, err := d.wait(interopLimit)
	if err != nil {
		return report{}, err
	}
	if code != 0 {
		return report{}, fmt.Errorf("exit code %d:\n%s", code, d.stderr.String())
	}
	r, err := parseReport(d.stdout.String())
	if err == nil && (!r.OK || r.Bytes != d.size) {
		err = fmt.Errorf("the report of a fetch of %d bytes: %+v", d.size, r)
	}
	return r, errors.Join(err, comparePattern(d.out, d.size))
}

// lasts reports whether a fetch still goes on a while from now.
func (d *download) lasts(a time.Duration) bool {
	timer := time.NewTimer(a)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.exited:
		return false
	}
}

// shareOf returns what share of the link's rate a number of file bytes took.
func shareOf(bytes int64, seconds float64) float64 { return float64(bytes) / seconds / interopRate }

// result tells a case's outcome in one line, as docs/interop.md has it.
func (i *interop) tell(r report, more string, args ...any) {
	i.t.Helper()
	segments, repeated := r.received()
	i.t.Logf("%.2f s, goodput %.2f Mbit/s, %.0f%% of the link, %d of %d segments sent again; %s",
		r.Seconds, 8*float64(r.Bytes)/r.Seconds/1e6, 100*shareOf(r.Bytes, r.Seconds), repeated, segments, fmt.Sprintf(more, args...))
}

// once fails if more than one session was opened: neither trouble nor a change of
// address is to cost a handshake.
func (i *interop) once() {
	i.t.Helper()
	n, waited := i.wire.handshakes(), i.pulse.waited()
	switch {
	case n == 1:
	case n > 1 && waited > busy: // who waits three seconds for a processor is given up
		i.t.Logf("that %d sessions were opened is not judged: %.3f of the time went by without a processor", n, waited)
	default:
		i.t.Errorf("%d sessions were opened, want 1", n)
	}
}

// long leaves a case out by -short, and lets it run beside the others: they wait
// for their links most of the time.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	t.Parallel()
}
