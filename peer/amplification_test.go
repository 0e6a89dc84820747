package peer

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// amplified is how many datagrams TestNoAmplification sends for each server.
const amplified = 250_000

// strangers is a socket to which only strangers send, as fast as it is read. It
// keeps the books of what each address sent and was sent.
type strangers struct {
	rng   *rand.Rand
	left  int
	noise []byte
	ends  chan struct{} // closed by Close

	mu      sync.Mutex
	in, out map[netip.AddrPort]int
	cookies []cookieFor // that were given, for whoever forges
	kinds   map[proto.Kind]int
	done    chan struct{} // closed when all is read
}

type cookieFor struct {
	hello  proto.HelloID
	cookie []byte
}

func newStrangers(seed uint64, n int, noise []byte) *strangers {
	return &strangers{
		rng: rand.New(rand.NewPCG(seed, 9)), left: n, noise: noise, ends: make(chan struct{}), done: make(chan struct{}),
		in: map[netip.AddrPort]int{}, out: map[netip.AddrPort]int{}, kinds: map[proto.Kind]int{},
	}
}

// addr returns one of 4,096 addresses of both families; some send far more than
// others.
func (s *strangers) addr() netip.AddrPort {
	i := uint16(s.rng.ExpFloat64() * 400)
	if i%3 == 0 {
		a := [16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 8), byte(i)}
		a[15] = byte(i)
		return netip.AddrPortFrom(netip.AddrFrom16(a), 1000+i%7)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1000+i%7)
}

// next writes a datagram to b and returns its length and its sender.
func (s *strangers) next(b []byte) (int, netip.AddrPort) {
	from := s.addr()
	hello := proto.Hello{Version: proto.Version, ID: proto.HelloID(s.rng.Uint64()), Noise: s.noise}
	switch s.rng.IntN(10) {
	case 0, 1, 2: // well formed
		return len(hello.Append(b[:0])), from
	case 3: // of another version
		hello.Version = uint16(2 + s.rng.IntN(100))
		return len(hello.Append(b[:0])), from
	case 4: // with a cookie: another's, an old one, one made up
		if len(s.cookies) > 0 {
			c := s.cookies[s.rng.IntN(len(s.cookies))]
			hello.ID, hello.Cookie = c.hello, c.cookie
		}
		return len(hello.Append(b[:0])), from
	case 5: // repeated, or almost
		hello.ID = proto.HelloID(s.rng.IntN(100))
		n := len(hello.Append(b[:0]))
		b[s.rng.IntN(n)] ^= byte(s.rng.Uint32())
		return n, from
	case 6: // sealed, or the end of a handshake
		n := 1 + s.rng.IntN(1472)
		fillRandom(s.rng, b[:n])
		b[0] = []byte{byte(proto.KindFinish), byte(proto.KindClientSealed)}[s.rng.IntN(2)]
		return n, from
	case 7: // of any kind
		n := 1 + s.rng.IntN(1472)
		fillRandom(s.rng, b[:n])
		b[0] = byte(s.rng.IntN(0x14))
		return n, from
	case 8: // one byte
		b[0] = byte(s.rng.Uint32())
		return 1, from
	}
	n := s.rng.IntN(3000) // empty ones too
	fillRandom(s.rng, b[:n])
	return n, from
}

func fillRandom(rng *rand.Rand, b []byte) {
	for len(b) > 8 {
		binary.LittleEndian.PutUint64(b, rng.Uint64())
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
}

func (s *strangers) Read(msgs []udp.Message) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == 0 {
		close(s.done)
	}
	if s.left--; s.left < 0 {
		s.mu.Unlock()
		<-s.ends
		s.mu.Lock()
		return 0, net.ErrClosed
	}
	m := &msgs[0]
	m.N, m.Addr = s.next(m.Buf)
	m.Segment = m.N
	s.in[m.Addr] += m.N
	return 1, nil
}

func (s *strangers) Write(b []byte, segment int, to netip.AddrPort) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out[to] += len(b)
	s.kinds[proto.KindOf(b)]++
	if r, err := proto.ParseRetry(b); err == nil && segment == len(b) && len(s.cookies) < 1000 {
		s.cookies = append(s.cookies, cookieFor{r.ID, append([]byte(nil), r.Cookie...)})
	}
	return nil
}

func (s *strangers) SetReadDeadline(time.Time) error { return nil }
func (s *strangers) LocalAddr() netip.AddrPort       { return netip.MustParseAddrPort("10.9.9.9:7440") }
func (s *strangers) ReadBuffer(int) int              { return 1 << 20 }
func (s *strangers) Stats() udp.Stats                { return udp.Stats{} }
func (s *strangers) Close() error                    { close(s.ends); return nil }

// strangeNetwork has one socket.
type strangeNetwork struct {
	Network
	conn *strangers
}

func (n strangeNetwork) Listen(string) ([]udp.Conn, error) { return []udp.Conn{n.conn}, nil }

// TestNoAmplification: a million datagrams from addresses that are not proven
// bring about no more bytes to any of them than came in its name, no byte of a
// file, and no memory that stays.
func TestNoAmplification(t *testing.T) {
	n := amplified
	if raceEnabled || testing.Short() {
		n /= 10
	}
	id, err := secure.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, fileName), positioned(1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	psk := testPSK(t, 1)
	for name, o := range map[string]ServeOptions{
		"open": {}, "with a list": {Allow: []secure.PublicKey{id.PublicKey()}}, "again": {}, "with a pre-shared key": {PSK: psk},
	} {
		t.Run(name, func(t *testing.T) {
			conn := newStrangers(uint64(len(name)), n, caller(t, nil).hello.Noise)
			listens := make(chan struct{})
			o.Root, o.Listen, o.Identity, o.Network, o.Log = root, ":1", id, strangeNetwork{conn: conn}, zap.NewNop()
			o.OnListen = func(netip.AddrPort) { close(listens) }
			before := heapInUse()
			ctx, cancel := context.WithCancel(context.Background())
			served := make(chan error, 1)
			go func() { served <- Serve(ctx, o) }()
			<-listens
			<-conn.done
			grown := heapInUse() - before
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
			conn.report(t, o.PSK != nil)
			// What the table may hold, a reader's and the workers' buffers.
			if limit := int64(16 << 20); grown > limit {
				t.Errorf("%d bytes of memory more than before, after %d datagrams; at most %d", grown, n, limit)
			}
			t.Logf("%d KiB of memory more than before", grown>>10)
		})
	}
}

// report checks the books.
func (s *strangers) report(t *testing.T, silent bool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	in, out := 0, 0
	for addr, n := range s.in {
		in += n
		out += s.out[addr]
		if s.out[addr] > n {
			t.Errorf("%v sent %d bytes and was sent %d", addr, n, s.out[addr])
		}
	}
	for addr := range s.out {
		if _, ok := s.in[addr]; !ok {
			t.Errorf("%v sent nothing and was sent %d bytes", addr, s.out[addr])
		}
	}
	for k := range s.kinds {
		if k != proto.KindHelloReply && k != proto.KindRetry && k != proto.KindVersions {
			t.Errorf("%d datagrams of kind %#x to strangers", s.kinds[k], k)
		}
	}
	t.Logf("%d addresses, %d bytes in, %d out (%.3f); %v", len(s.in), in, out, float64(out)/float64(in), s.kinds)
	if silent != (out == 0) {
		t.Errorf("%d bytes were sent", out)
	}
	if !silent && len(s.kinds) != 3 {
		t.Errorf("only kinds %v were sent: the test asks for too little", s.kinds)
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}
