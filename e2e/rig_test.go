package e2e

import (
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
	fileName = "data.bin"

	// fetchLimit is how long a fetch of a scenario may take. Arbitrary: many
	// times what one takes; what hangs fails here and not at the test's timeout.
	fetchLimit = 60 * time.Second
)

// A fetch of these tests takes seconds whatever the machine, so that what
// happens to a server happens in the middle of it.
const slowSize = 24 << 20

func slowLink() netsim.Link {
	return netsim.Link{MTU: mtu, Delay: delay, Rate: 4 << 20}
}

// rig is servers that hold the same file, each behind a relay, and a client.
type rig struct {
	t       *testing.T
	dir     string
	size    int64
	servers []*server
	relays  []*relay.Relay
}

// newRig starts n servers with a file of size bytes, behind links that have
// the properties of link in both directions.
func newRig(t *testing.T, n int, size int64, link netsim.Link) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), size: size}
	for i := range n {
		root := r.root(i)
		r.check(os.MkdirAll(root, 0o755))
		if i == 0 {
			r.check(writePattern(filepath.Join(root, fileName), size))
		} else {
			r.check(os.Link(filepath.Join(r.root(0), fileName), filepath.Join(root, fileName)))
		}
		s := r.start(i, "127.0.0.1:0")
		r.servers = append(r.servers, s)
		r.relays = append(r.relays, r.relay(s.addr, link, uint64(i)))
	}
	t.Cleanup(func() {
		if t.Failed() {
			r.log()
		}
	})
	return r
}

func (r *rig) root(i int) string { return filepath.Join(r.dir, fmt.Sprintf("server%d", i), "root") }
func (r *rig) out() string       { return filepath.Join(r.dir, "client", "copy.bin") }

// start starts server i. At the end of the test it must be well, unless it was
// killed.
func (r *rig) start(i int, listen string) *server {
	r.t.Helper()
	s, err := r.boot(i, listen)
	r.check(err)
	return s
}

// boot is start from any goroutine.
func (r *rig) boot(i int, listen string) (*server, error) {
	root := r.root(i)
	s, err := serve(filepath.Dir(root), root, listen)
	if err != nil {
		return nil, err
	}
	r.t.Cleanup(func() {
		if !s.running() {
			return
		}
		if err := s.stop(); err != nil {
			r.t.Errorf("server %d: %v", i, err)
		}
	})
	return s, nil
}

func (r *rig) relay(target netip.AddrPort, link netsim.Link, seed uint64) *relay.Relay {
	r.t.Helper()
	l, err := relay.Start(relay.Config{Target: target, Up: link, Down: link, Seed: seed})
	r.check(err)
	r.t.Cleanup(func() { r.check(l.Close()) })
	return l
}

// fetch starts a fetch from all relays.
func (r *rig) fetch(args ...string) *process {
	r.t.Helper()
	p, err := r.begin(args...)
	r.check(err)
	return p
}

// begin is fetch from any goroutine.
func (r *rig) begin(args ...string) (*process, error) {
	home := filepath.Dir(r.out())
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	args = append([]string{"fetch", fileName, "-n", "8", "--json", "-o", r.out()}, args...)
	for _, l := range r.relays {
		args = append(args, "--peer", l.Addr().String())
	}
	p, err := start(home, environment(home), args...)
	if err != nil {
		return nil, err
	}
	r.t.Cleanup(p.kill)
	return p, nil
}

// finish waits for a fetch, which must succeed, and returns its report. The
// file must be there, whole, and nothing else beside it.
func (r *rig) finish(p *process) report {
	r.t.Helper()
	code, err := p.wait(fetchLimit)
	r.check(err)
	if code != 0 {
		r.t.Fatalf("exit code %d:\n%s", code, p.stderr.String())
	}
	got, err := parseReport(p.stdout.String())
	r.check(err)
	if !got.OK || got.ExitCode != 0 || got.Bytes != r.size || got.TotalBytes == nil || *got.TotalBytes != r.size {
		r.t.Errorf("the report of a fetch of %d bytes: %+v", r.size, got)
	}
	r.check(comparePattern(r.out(), r.size))
	if parts, _ := filepath.Glob(filepath.Join(filepath.Dir(r.out()), "*chunkcp-*")); len(parts) > 0 {
		r.t.Errorf("%v is left", parts)
	}
	return got
}

// delivered returns how many bytes relay i has passed on to the client.
func (r *rig) delivered(i int) int64 { return int64(r.relays[i].Counters().Down.DeliveredBytes) }

// awaitDelivered waits until server i has sent n bytes more than it has now,
// and the fetch is still under way then.
func (r *rig) awaitDelivered(p *process, i int, n int64) {
	r.t.Helper()
	n += r.delivered(i)
	err := await(fetchLimit, func() bool { return r.delivered(i) >= n || !p.running() })
	if err != nil || !p.running() {
		r.t.Fatalf("server %d has sent %d of %d bytes, and the fetch is running: %v (%v)\n%s",
			i, r.delivered(i), n, p.running(), err, p.stderr.String())
	}
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// log tells what happened, of a test that failed.
func (r *rig) log() {
	for i, s := range r.servers {
		r.t.Logf("relay %d: %+v", i, r.relays[i].Counters())
		r.t.Logf("server %d:\n%s", i, s.stderr.String())
	}
}

func skipSlow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
}
