package peer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
)

// simNetwork is a host of a simulated network, as Serve and Run see it.
type simNetwork struct{ host *netsim.Host }

func (n simNetwork) Dial(raddr netip.AddrPort) (udp.Conn, error) { return n.host.Dial(raddr) }

func (n simNetwork) Listen(addr string) ([]udp.Conn, error) {
	c, err := n.host.Listen(netip.MustParseAddrPort(addr).Port())
	return []udp.Conn{c}, err
}

func (n simNetwork) Resolve(_ context.Context, hostport string) (netip.AddrPort, error) {
	return netip.ParseAddrPort(hostport)
}

// world is a simulated network with one client and some servers, each of which
// has the same file. It lives in a synctest bubble.
type world struct {
	t       *testing.T
	net     *netsim.Network
	client  *netsim.Host
	servers []*simServer
	content []byte
	dir     string

	events  []*time.Timer
	pending sync.WaitGroup // of events and watches
	over    chan struct{}
}

type simServer struct {
	host *netsim.Host
	addr netip.AddrPort
	root string
	id   *secure.Identity
	log  *zap.Logger // nil for none

	limits    Limits
	trees     TreeCache             // nil for none
	hashPause func()                // before each piece that is hashed; nil for none
	adjust    func(o *ServeOptions) // nil for none

	running sync.Mutex // held by whoever starts or stops it
	stop    context.CancelFunc
	done    chan error // nil while it does not run
}

const fileName = "file.bin"

// content returns size bytes in which each 8 tell where they are.
func positioned(size int) []byte {
	b := make([]byte, (size+7)/8*8)
	for i := 0; i < len(b); i += 8 {
		binary.BigEndian.PutUint64(b[i:], uint64(i)*0x9E3779B97F4A7C15+1)
	}
	return b[:size]
}

// inWorld runs a test in a bubble, with servers that hold a file of size bytes.
func inWorld(t *testing.T, seed uint64, servers, size int, link netsim.Link, test func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: netsim.New(seed), content: positioned(size), dir: dir, over: make(chan struct{})}
		defer w.close()
		w.client = w.net.Host(netip.MustParseAddr("10.0.0.1"))
		for i := range servers {
			s := &simServer{addr: netip.MustParseAddrPort(fmt.Sprintf("10.0.1.%d:7440", i+1))}
			s.host = w.net.Host(s.addr.Addr())
			s.root = filepath.Join(dir, fmt.Sprint("server", i))
			if err := os.Mkdir(s.root, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(s.root, fileName), w.content, 0o644); err != nil {
				t.Fatal(err)
			}
			s.id, _ = secure.NewIdentity(nil)
			w.net.SetPath(w.client.Addr(), s.addr.Addr(), link)
			w.servers = append(w.servers, s)
			w.serve(s)
		}
		test(w)
	})
}

// heavy marks a test that computes for a second or more: beside others, and
// not in a short run under the race detector.
func heavy(t *testing.T) {
	t.Helper()
	if raceEnabled && testing.Short() {
		t.Skip("too slow under the race detector")
	}
	t.Parallel()
}

// serve starts a server's process.
func (w *world) serve(s *simServer) {
	s.running.Lock()
	defer s.running.Unlock()
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.done = stop, make(chan error, 1)
	done, listens := s.done, make(chan struct{})
	go func() {
		o := ServeOptions{
			Root: s.root, Listen: s.addr.String(), Identity: s.id, Network: simNetwork{s.host}, Log: s.log,
			Limits: s.limits, Trees: s.trees, hashPause: s.hashPause,
			OnListen: func(netip.AddrPort) { close(listens) },
		}
		if s.adjust != nil {
			s.adjust(&o)
		}
		done <- Serve(ctx, o)
	}()
	<-listens
}

// halt ends a server's process and waits for it. It says goodbye.
func (w *world) halt(s *simServer) {
	s.running.Lock()
	defer s.running.Unlock()
	if s.done == nil {
		return
	}
	s.stop()
	if err := <-s.done; err != nil {
		w.t.Errorf("server: %v", err)
	}
	s.done = nil
}

// restart starts a server anew, with other options.
func (w *world) restart(s *simServer, adjust func(o *ServeOptions)) {
	w.halt(s)
	s.adjust = adjust
	w.serve(s)
}

// kill ends a server's process without a goodbye.
func (w *world) kill(s *simServer) {
	s.host.Down()
	w.halt(s)
	s.host.Up()
}

// logOf starts a server anew and returns what gives its log entries with a message.
func (w *world) logOf(s *simServer, message string) func() []observer.LoggedEntry {
	logs := w.logsOf(s)
	return func() []observer.LoggedEntry { return logs.FilterMessage(message).All() }
}

// logsOf starts a server anew and returns what it logs.
func (w *world) logsOf(s *simServer) *observer.ObservedLogs {
	core, logs := observer.New(zap.DebugLevel)
	w.halt(s)
	s.log = zap.New(core)
	w.serve(s)
	return logs
}

// after has do run at some virtual time from now, unless the test ends before.
func (w *world) after(d time.Duration, do func()) {
	w.pending.Add(1)
	w.events = append(w.events, time.AfterFunc(d, func() {
		defer w.pending.Done()
		do()
	}))
}

// watch calls look each millisecond until it returns false or the test ends.
func (w *world) watch(look func() bool) {
	w.pending.Go(func() {
		for look() {
			select {
			case <-time.After(time.Millisecond):
			case <-w.over:
				return
			}
		}
	})
}

func (w *world) close() {
	close(w.over)
	for _, e := range w.events {
		if e.Stop() {
			w.pending.Done()
		}
	}
	w.pending.Wait()
	for _, s := range w.servers {
		w.halt(s)
	}
	w.net.Close()
}

func (w *world) options() FetchOptions {
	id, _ := secure.NewIdentity(nil)
	o := FetchOptions{
		Name: fileName, Out: filepath.Join(w.dir, "out.bin"),
		Identity: id, Network: simNetwork{w.client}, Sessions: len(w.servers),
	}
	for _, s := range w.servers {
		o.Peers = append(o.Peers, Peer{Addr: s.addr.String()})
	}
	return o
}

// pieces returns where the pieces from one to before another lie.
func pieces(from, to int64) rangeset.Range {
	return rangeset.Range{Start: from * assign.PieceBytes, End: to * assign.PieceBytes}
}

// run runs a fetch.
func (w *world) run(o FetchOptions) (*Fetch, time.Duration, error) {
	w.t.Helper()
	began := time.Now()
	f, err := Run(context.Background(), o)
	return f, time.Since(began), err
}

// fetch runs a fetch that must succeed, and compares.
func (w *world) fetch(o FetchOptions) (*Fetch, time.Duration) {
	w.t.Helper()
	f, took, err := w.run(o)
	if err != nil {
		w.t.Fatalf("after %v: %v\n%+v", took, err, f.Snapshot())
	}
	if f.pool.lent != 0 {
		w.t.Errorf("%d pieces are lent after the end", f.pool.lent)
	}
	got, err := os.ReadFile(o.Out)
	if err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Equal(got, w.content) {
		w.t.Fatalf("%d bytes came, %d were to; or other ones", len(got), len(w.content))
	}
	return f, took
}

// refuse runs a fetch that must fail with want and leave nothing under the
// final name.
func (w *world) refuse(o FetchOptions, want error) (error, time.Duration) {
	w.t.Helper()
	_, took, err := w.run(o)
	if !errors.Is(err, want) {
		w.t.Fatalf("after %v: %v; want %v", took, err, want)
	}
	w.absent(o.Out)
	return err, took
}

func (w *world) absent(path string) {
	w.t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		w.t.Errorf("%s is there (%v)", path, err)
	}
}

func TestFetch(t *testing.T) {
	link := netsim.Link{Rate: 12.5e6, Delay: 10 * time.Millisecond}
	for _, size := range []int{0, 1, 1179, 1180, 5 << 20, 5<<20 + 17} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			inWorld(t, 1, 3, size, link, func(w *world) {
				f, took := w.fetch(w.options())
				t.Logf("took %v", took)
				for _, p := range f.Snapshot().Peers {
					t.Logf("%+v", p)
				}
			})
		})
	}
}
