package peer

import (
	"bytes"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// wall is a socket that nothing comes from. It keeps what is written to it.
type wall struct {
	udp.Conn
	mu   sync.Mutex
	sent [][]byte
}

func (w *wall) Write(b []byte, _ int, _ netip.AddrPort) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, bytes.Clone(b))
	return nil
}

func (w *wall) take() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent = nil
	return sent
}

// door is an admission whose workers work when the test says so.
type door struct {
	*admission
	t     testing.TB
	conn  *wall
	now   time.Time
	begun int // handshakes that are done
}

func newDoor(t testing.TB, psk *secure.PSK) *door {
	t.Helper()
	id, err := secure.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{t: t, conn: &wall{}, now: time.Now()}
	d.admission = newAdmission(d.now, id, psk, &crashes{log: zap.NewNop()})
	d.begin = func(time.Time, udp.Conn, *halfOpen, []byte) { d.begun++ }
	return d
}

// knock hands in a Hello and returns what is answered at once.
func (d *door) knock(from netip.AddrPort, h *proto.Hello) []byte {
	return d.hello(d.now, d.conn, from, h)
}

// work has the workers read what waits, at most n messages, and returns what
// they send.
func (d *door) work(n int) [][]byte {
	for ; n > 0; n-- {
		select {
		case j := <-d.finishes:
			d.readFinish(j)
		case j := <-d.hellos:
			d.readHello(j)
		default:
			n = 0
		}
	}
	return d.conn.take()
}

// caller is a client that knocks.
func caller(t testing.TB, psk *secure.PSK) *handshake {
	t.Helper()
	id, err := secure.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHandshake(nil, id, psk)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// hellos returns a function that gives Hellos of one attempt after another; the
// first message without a pre-shared key says nothing of the attempt.
func hellos(t testing.TB) func() *proto.Hello {
	h := caller(t, nil).hello
	return func() *proto.Hello {
		h.ID++
		again := h
		return &again
	}
}

func cookieOf(t *testing.T, reply []byte, h *proto.Hello) []byte {
	t.Helper()
	r, err := proto.ParseRetry(reply)
	if err != nil || r.ID != h.ID {
		t.Fatalf("%x is no Retry of hello %x: %v", reply, h.ID, err)
	}
	if n := len(h.Append(nil)); len(reply) > n {
		t.Fatalf("a Retry of %d bytes for a Hello of %d", len(reply), n)
	}
	return r.Cookie
}

// TestADamagedHelloSpoilsNoAttempt: it was answered with keys that the client
// could not know, and so was each repeat of the genuine one, for ten seconds.
func TestADamagedHelloSpoilsNoAttempt(t *testing.T) {
	d, addr, c := newDoor(t, nil), v4(1), caller(t, nil)
	damaged := c.hello
	damaged.Noise = bytes.Clone(damaged.Noise)
	damaged.Noise[7] ^= 0x10
	d.knock(addr, &damaged)
	first := d.work(9)
	d.knock(addr, &c.hello)
	second := d.work(9)
	if len(first) != 1 || len(second) != 1 {
		t.Fatalf("%d answers to the damaged one, %d to the genuine one", len(first), len(second))
	}
	for i, b := range [][]byte{first[0], second[0]} {
		payload := c.reply(b)
		if (payload != nil) != (i == 1) {
			t.Errorf("answer %d can be read: %v", i, payload != nil)
		}
	}
}

func TestARepeatedHelloGetsTheSameBytes(t *testing.T) {
	d, addr := newDoor(t, nil), v4(1)
	hello := &caller(t, nil).hello
	if now := d.knock(addr, hello); now != nil {
		t.Fatalf("answered before keys are computed: %x", now)
	}
	if again := d.knock(addr, hello); again != nil || len(d.hellos) != 1 {
		t.Fatal("a repeat is computed as well")
	}
	first := d.work(9)
	if len(first) != 1 || len(first[0]) > proto.MinHello {
		t.Fatalf("replies %x", first)
	}
	d.now = d.now.Add(time.Second)
	if again := d.knock(addr, hello); !bytes.Equal(again, first[0]) || len(d.hellos) != 0 {
		t.Error("another reply to the same hello")
	}
	if n := d.table.order.Len(); n != 1 {
		t.Errorf("%d half-open handshakes for one hello", n)
	}
	d.knock(netip.MustParseAddrPort("10.0.0.1:2"), hello)
	if other := d.work(9); len(other) != 1 || bytes.Equal(other[0], first[0]) {
		t.Error("the same reply to another address")
	}
	d.now = d.now.Add(halfOpenTime)
	if late := d.knock(addr, hello); late != nil {
		t.Error("the same reply after the handshake was given up")
	}
}

// TestUnderLoadOnlyACookieGetsIn: each of the three bounds, and each kind of
// cookie that is none.
func TestUnderLoadOnlyACookieGetsIn(t *testing.T) {
	for name, load := range map[string]func(d *door, next func() *proto.Hello){
		"too many half open": func(d *door, next func() *proto.Hello) {
			d.free = tokenBucket{perSec: 1e9, most: 1e9}
			for i := range freeHalfOpen {
				d.knock(v4(100+i), next())
			}
		},
		"too fast": func(d *door, next func() *proto.Hello) {
			for i := range freeHellos {
				d.knock(v4(100+i), next())
				if d.table.order.Len() > 100 {
					d.table.expire(d.now.Add(time.Hour))
				}
			}
		},
		"too many of one address": func(d *door, next func() *proto.Hello) {
			for range freeHalfOpenAddr {
				d.knock(v4(1), next())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, next := newDoor(t, nil), hellos(t)
			load(d, next)
			d.work(9999)
			before := d.table.order.Len()
			h := next()
			cookie := cookieOf(t, d.knock(v4(1), h), h)
			forged := bytes.Clone(cookie)
			forged[9] ^= 1
			h.Cookie = forged
			if got := cookieOf(t, d.knock(v4(1), h), h); !bytes.Equal(got, cookie) {
				t.Error("another cookie at the same time")
			}
			h.Cookie = cookie
			elsewhere := netip.AddrPortFrom(v4(1).Addr(), 9)
			cookieOf(t, d.knock(elsewhere, h), h)
			if n := d.table.order.Len(); n != before || len(d.hellos) != 0 {
				t.Fatalf("%d half-open handshakes, %d before; %d Hellos wait", n, before, len(d.hellos))
			}
			if now := d.knock(v4(1), h); now != nil || len(d.work(1)) != 1 {
				t.Error("no answer to a Hello with its cookie")
			}
			d.now = d.now.Add(2 * cookieSlot)
			load(d, next)
			late := next()
			late.Cookie = cookie
			cookieOf(t, d.knock(v4(1), late), late)
		})
	}
}

// TestAFloodOfHellosLeavesNothing: a server under load keeps nothing of those that
// show no cookie, and its queue holds what it holds.
func TestAFloodOfHellosLeavesNothing(t *testing.T) {
	d, next := newDoor(t, nil), hellos(t)
	for i := range 50_000 {
		d.knock(v4(i), next())
	}
	if n := d.table.order.Len(); n > freeHalfOpen {
		t.Errorf("%d half-open handshakes, want %d at most", n, freeHalfOpen)
	}
	if got := d.counts.retries.Load(); got < 50_000-freeHalfOpen-freeHellos {
		t.Errorf("%d Retries", got)
	}
}

// TestAQueueIsShared: strangers with valid cookies outrun the workers. One address
// has half of the queue at most, many leave room for others, and what there is no
// room for is dropped and leaves nothing.
func TestAQueueIsShared(t *testing.T) {
	for _, greedy := range []int{1, 7, 50} {
		t.Run(fmt.Sprint(greedy), func(t *testing.T) {
			d, next := newDoor(t, nil), hellos(t)
			proven := func(addr netip.AddrPort) {
				h := next()
				h.Cookie = d.jar.make(d.now, addr, nil)
				if now := d.knock(addr, h); now != nil {
					t.Fatalf("answered at once: %x", now)
				}
			}
			for i := range 40 * helloQueue {
				proven(netip.AddrPortFrom(v4(i%greedy).Addr(), uint16(1+i%60000)))
			}
			taken := len(d.hellos)
			if free := helloQueue - taken; free < helloQueue/(1+greedy)-greedy || free == 0 {
				t.Fatalf("%d addresses leave %d of %d places free", greedy, free, helloQueue)
			}
			if greedy == 1 && taken < MaxSessions {
				t.Errorf("one address has %d places only", taken)
			}
			for i := range helloQueue - taken {
				proven(v4(1000 + i))
			}
			if n := len(d.hellos); n != helloQueue || d.counts.dropped.Load() != 0 {
				t.Fatalf("%d wait, %d dropped: others did not get what was free", n, d.counts.dropped.Load())
			}
			for i := range 10 {
				proven(v4(9000 + i))
			}
			if n := d.table.order.Len(); n != helloQueue || d.counts.dropped.Load() != 10 {
				t.Errorf("%d half-open handshakes, %d dropped; want %d and 10", n, d.counts.dropped.Load(), helloQueue)
			}
			if n := len(d.work(3 * helloQueue)); n != helloQueue {
				t.Errorf("%d answers, want %d", n, helloQueue)
			}
		})
	}
}

// finished returns the Finish that a client sends upon a reply.
func finished(t *testing.T, h *handshake, reply []byte) *proto.Finish {
	t.Helper()
	payload := h.reply(reply)
	if payload == nil {
		t.Fatal("the client does not take the reply")
	}
	a, err := h.accept(payload, func(secure.PublicKey) error { return nil }, proto.Welcome{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := proto.ParseFinish(a.finish)
	if err != nil {
		t.Fatal(err)
	}
	return &f
}

func TestAFinishIsReadOnce(t *testing.T) {
	d, c := newDoor(t, nil), caller(t, nil)
	d.knock(v4(1), &c.hello)
	f := finished(t, c, d.work(1)[0])
	forged := *f
	forged.Noise = bytes.Clone(f.Noise)
	forged.Noise[len(forged.Noise)-1] ^= 1
	submit := func(from netip.AddrPort, f *proto.Finish) (waits int) {
		d.finish(d.now, d.conn, from, f)
		return len(d.finishes)
	}
	if submit(v4(2), f) != 0 {
		t.Error("taken from another address")
	}
	other := *f
	other.Session++
	if submit(v4(1), &other) != 0 {
		t.Error("taken for a session that is none")
	}
	if submit(v4(1), &forged) != 1 || submit(v4(1), f) != 1 {
		t.Error("a second one is read before the first is done")
	}
	if d.work(9); d.begun != 0 {
		t.Fatal("a forgery made a session")
	}
	if submit(v4(1), f) != 1 || submit(v4(1), f) != 1 {
		t.Error("the genuine one does not wait once")
	}
	d.work(9)
	if submit(v4(1), f) != 0 {
		t.Error("taken again")
	}
	if d.work(9); d.begun != 1 || d.table.order.Len() != 0 {
		t.Errorf("%d sessions, %d half open; want 1 and none", d.begun, d.table.order.Len())
	}
}

// What is thrown out of the table while it waits for a worker is not answered.
func TestAnEvictedHelloIsNotAnswered(t *testing.T) {
	d, next := newDoor(t, nil), hellos(t)
	d.knock(v4(1), next())
	d.table.expire(d.now.Add(time.Hour))
	if sent := d.work(9); len(sent) != 0 {
		t.Errorf("answered with %x", sent)
	}
}

// TestWithAPSKStrangersHearNothing: whatever they send, and however much.
func TestWithAPSKStrangersHearNothing(t *testing.T) {
	ours, theirs := testPSK(t, 1), testPSK(t, 2)
	d := newDoor(t, ours)
	for name, h := range map[string]*proto.Hello{"none": &caller(t, nil).hello, "another": &caller(t, theirs).hello} {
		for i := range 2 * freeHellos { // more than are answered without a cookie
			h.ID = proto.HelloID(i)
			h.Cookie = nil
			if i%2 == 1 {
				h.Cookie = d.jar.make(d.now, v4(i), nil)
			}
			if now := d.knock(v4(i), h); now != nil {
				t.Fatalf("%s: answered with %x", name, now)
			}
		}
		if n := len(d.work(9999)); n != 0 || d.table.order.Len() != 0 {
			t.Errorf("%s: %d answers, %d half open", name, n, d.table.order.Len())
		}
	}
	if got := d.counts.strangers.Load(); got != 4*freeHellos {
		t.Errorf("%d strangers counted, want %d", got, 4*freeHellos)
	}
	// Who has it is answered, and asked for a cookie under load.
	c := caller(t, ours)
	d.knock(v4(1), &c.hello)
	sent := d.work(9)
	if len(sent) != 1 {
		t.Fatalf("%d answers to a friend", len(sent))
	}
	d.finish(d.now, d.conn, v4(1), finished(t, c, sent[0]))
	if d.work(9); d.begun != 1 {
		t.Error("a friend got no session")
	}
	d.free.tokens = 0
	late := caller(t, ours)
	cookie := cookieOf(t, d.knock(v4(1), &late.hello), &late.hello)
	late.hello.Cookie = cookie
	if d.knock(v4(1), &late.hello); len(d.work(9)) != 1 {
		t.Error("a friend with a cookie was not answered")
	}
}

// TestTheLongestRequestFits into a Finish that is read.
func TestTheLongestRequestFits(t *testing.T) {
	open := proto.Open{ID: clientFile, Name: string(make([]byte, proto.MaxName))}
	get := proto.Get{ID: clientFile + 1, File: clientFile}
	tree := proto.Tree{File: clientFile}
	requests := tree.Append(get.Append(open.Append(nil)))
	d, c := newDoor(t, nil), caller(t, nil)
	d.knock(v4(1), &c.hello)
	reply := d.work(1)[0]
	a, err := c.accept(c.reply(reply),
		func(secure.PublicKey) error { return nil }, proto.Welcome{}, requests)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(a.finish); n > maxFinish || n < proto.MaxName {
		t.Errorf("a Finish of %d bytes, and at most %d are read", n, maxFinish)
	}
}

// What the reader spends on a Hello of a stranger: under load, and with a
// pre-shared key that the stranger does not have.
func BenchmarkHelloOfAStranger(b *testing.B) {
	for name, psk := range map[string]*secure.PSK{"under load": nil, "without the psk": testPSK(b, 1)} {
		b.Run(name, func(b *testing.B) {
			d, h := newDoor(b, psk), caller(b, nil).hello
			h.Noise = append(h.Noise, make([]byte, 16)...)
			d.free = tokenBucket{}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				h.ID = proto.HelloID(i)
				d.knock(v4(i), &h)
			}
		})
	}
}
