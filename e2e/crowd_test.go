package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

const (
	// A crowd's handshakes that are under way from one address: fewer than a server
	// takes without a cookie, and enough to keep it busy.
	crowdWindow = 48

	// crowdRepeat is when what was not answered is sent again. Arbitrary.
	crowdRepeat = 250 * time.Millisecond

	// crowdLimit is how long a crowd may take until all of it is there, or has been
	// heard of again. Arbitrary: many times what a busy machine needs.
	crowdLimit = 240 * time.Second

	// crowdAwake is how often a crowd shows that it is there, before the server's
	// minute of silence is over.
	crowdAwake = 15 * time.Second
)

// crowd is clients that have a session with a server each, and want nothing. Each
// address of it has a socket, a key and a share of the sessions.
type crowd struct {
	hosts []*crowdHost
	quit  chan struct{}
	over  sync.WaitGroup
}

// gather has n sessions begin with a server, from as many addresses.
func gather(server netip.AddrPort, n, addresses int) (*crowd, error) {
	c := &crowd{quit: make(chan struct{})}
	for i := range addresses {
		h, err := newCrowdHost(server, netip.AddrFrom4([4]byte{127, 77, byte(i >> 8), byte(1 + i)}), n/addresses)
		if err != nil {
			c.disperse()
			return nil, err
		}
		c.hosts = append(c.hosts, h)
	}
	if err := c.each((*crowdHost).arrive); err != nil {
		c.disperse()
		return nil, err
	}
	c.over.Go(c.stayAwake)
	return c, nil
}

// each calls do for all hosts at once.
func (c *crowd) each(do func(*crowdHost) error) error {
	errs := make([]error, len(c.hosts))
	var running sync.WaitGroup
	for i, h := range c.hosts {
		running.Go(func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			errs[i] = do(h)
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// stayAwake keeps all sessions from being given up.
func (c *crowd) stayAwake() {
	ticker := time.NewTicker(crowdAwake)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = c.each((*crowdHost).mumble) // whether they are alive, answer tells
		case <-c.quit:
			return
		}
	}
}

// answer returns an error unless the server answers each session.
func (c *crowd) answer() error { return c.each((*crowdHost).ask) }

// disperse leaves without a goodbye.
func (c *crowd) disperse() {
	close(c.quit)
	c.over.Wait()
	for _, h := range c.hosts {
		h.conn.Close()
	}
}

// crowdHost is one address of a crowd.
type crowdHost struct {
	mu       sync.Mutex // held by whoever uses the rest
	conn     *net.UDPConn
	id       *secure.Identity
	kem      *secure.KEM // of all its sessions: what is theirs is not secret
	want     int
	hellos   map[proto.HelloID]*crowdSession
	sessions map[proto.SessionID]*crowdSession
	waiting  map[*crowdSession]struct{} // for the server to say something
	mumbled  time.Time
	buf      []byte
}

// crowdSession is one session, or the beginning of one.
type crowdSession struct {
	hello  proto.Hello
	noise  *secure.Handshake
	id     proto.SessionID
	keys   secure.Keys
	sealer *secure.Sealer
	opener *secure.Opener
	number uint64 // of the next datagram
	sentAt time.Time

	// say returns what to send until the server has answered: sealed anew each time,
	// where a repeat would not be taken.
	say func() [][]byte
}

func newCrowdHost(server netip.AddrPort, from netip.Addr, n int) (*crowdHost, error) {
	conn, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	h := &crowdHost{
		conn: conn, want: n, mumbled: time.Now(), buf: make([]byte, 1<<16), hellos: map[proto.HelloID]*crowdSession{},
		sessions: map[proto.SessionID]*crowdSession{}, waiting: map[*crowdSession]struct{}{},
	}
	if h.id, err = secure.NewIdentity(nil); err == nil {
		h.kem, err = secure.NewKEM()
	}
	return h, err
}

// arrive makes all handshakes.
func (h *crowdHost) arrive() error {
	begun := 0
	return h.await(func() error {
		for ; begun < h.want && len(h.waiting) < crowdWindow; begun++ {
			if err := h.begin(); err != nil {
				return err
			}
		}
		return nil
	})
}

// await repeats what is not answered until nothing waits. more is called before
// each look.
func (h *crowdHost) await(more func() error) error {
	for end := time.Now().Add(crowdLimit); ; {
		if err := more(); err != nil {
			return err
		}
		now := time.Now()
		switch {
		case len(h.waiting) == 0:
			return nil
		case now.After(end):
			return fmt.Errorf("%d sessions of %d are not answered, %d have begun", len(h.waiting), h.want, len(h.sessions))
		}
		if now.Sub(h.mumbled) >= crowdAwake { // those that have begun, on a busy machine
			if err := h.mumble(); err != nil {
				return err
			}
		}
		for s := range h.waiting {
			if now.Sub(s.sentAt) >= crowdRepeat {
				h.send(s)
			}
		}
		if err := h.hear(now.Add(crowdRepeat / 10)); err != nil {
			return err
		}
	}
}

// send sends what a session has to say, and has it wait for an answer.
func (h *crowdHost) send(s *crowdSession) {
	s.sentAt = time.Now()
	h.waiting[s] = struct{}{}
	for _, b := range s.say() {
		_, _ = h.conn.Write(b) // as good as lost on the way
	}
}

// hear handles what comes until a while after the last datagram, or the deadline.
func (h *crowdHost) hear(deadline time.Time) error {
	if err := h.conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	for range crowdWindow {
		n, err := h.conn.Read(h.buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil || n == 0 {
			return err
		}
		if err := h.handle(h.buf[:n]); err != nil {
			return err
		}
	}
	return nil
}

func (h *crowdHost) begin() error {
	s := &crowdSession{hello: proto.Hello{Version: proto.Version, ID: proto.HelloID(rand.Uint64())}}
	var err error
	s.noise, err = secure.NewInitiator(secure.HandshakeConfig{Identity: h.id, Prologue: s.hello.Prologue()})
	if err != nil {
		return err
	}
	if s.hello.Noise, err = s.noise.WriteMessage(nil, nil); err != nil {
		return err
	}
	h.hellos[s.hello.ID] = s
	s.say = func() [][]byte { return [][]byte{s.hello.Append(nil)} }
	h.send(s)
	return nil
}

func (h *crowdHost) handle(b []byte) error {
	switch proto.KindOf(b) {
	case proto.KindRetry:
		r, err := proto.ParseRetry(b)
		s := h.hellos[r.ID]
		if err != nil || s == nil {
			return err
		}
		s.hello.Cookie = bytes.Clone(r.Cookie)
		h.send(s)
	case proto.KindHelloReply:
		r, err := proto.ParseHelloReply(b)
		s := h.hellos[r.ID]
		if err != nil || s == nil {
			return err
		}
		delete(h.hellos, r.ID)
		return h.finish(s, r.Noise)
	case proto.KindServerSealed:
		return h.sealed(b)
	}
	return nil
}

// finish answers the server's half of the handshake. Each session is a fetch of its
// own, as the server sees it: it shares nothing.
func (h *crowdHost) finish(s *crowdSession, reply []byte) error {
	payload, err := s.noise.ReadMessage(nil, reply)
	if err != nil {
		return err
	}
	theirs, _, err := proto.ParseWelcome(payload)
	if err != nil {
		return err
	}
	ours := proto.Welcome{Session: proto.SessionID(rand.Uint64()>>(64-proto.SessionIDBits) | 1), Credit: 1 << 20, MaxDatagram: 1500}
	f := proto.Finish{Session: theirs.Session}
	if f.Noise, err = s.noise.WriteMessage(nil, ours.Append(nil)); err != nil {
		return err
	}
	if s.keys, err = s.noise.Keys(); err != nil {
		return err
	}
	s.id, s.noise = theirs.Session, nil
	s.sealer, s.opener = secure.NewSealer(s.keys.Send, 0), secure.NewOpener(s.keys.Receive)
	half := proto.KEMKey{Key: h.kem.Key()}
	s.say = func() [][]byte { return [][]byte{f.Append(nil), s.seal(half.Append(nil))} }
	h.sessions[s.id] = s
	h.send(s)
	return nil
}

func (s *crowdSession) seal(frames []byte) []byte {
	h := proto.SealedHeader{Kind: proto.KindClientSealed, Phase: s.sealer.Phase(), Session: s.id, Number: proto.PacketNumber(s.number)}
	out := h.Append(nil)
	out = s.sealer.Seal(out, out, frames, s.number)
	s.number++
	return out
}

// sealed handles what comes in a session: the server's half of the exchange of keys,
// after which the session waits for nothing, or the answer to a question.
func (h *crowdHost) sealed(b []byte) error {
	header, clear, body, err := proto.ParseSealed(b)
	s := h.sessions[header.Session]
	if err != nil || s == nil {
		return err
	}
	plain, err := s.opener.Open(nil, clear, body, header.Phase, uint64(header.Number))
	if err != nil {
		return nil // the answer to a repeat
	}
	t, frame, _, err := proto.NextFrame(plain)
	if err != nil {
		return err
	}
	switch t {
	case proto.FrameKEMText:
		text, err := proto.ParseKEMText(frame)
		if err != nil {
			return err
		}
		mixed, err := h.kem.Mix(s.keys, text.Text)
		if err != nil {
			return err
		}
		s.sealer.Advance(mixed.Send)
		s.opener.Expect(mixed.Receive)
	case proto.FrameMTUReply:
	case proto.FrameClose:
		c, err := proto.ParseClose(frame)
		if err != nil {
			return err
		}
		return fmt.Errorf("the server closed session %d of %d: %v %q", len(h.sessions), h.want, c.Code, c.Reason)
	default:
		return nil
	}
	delete(h.waiting, s)
	return nil
}

// mumble shows the server that all sessions are there which wait for nothing.
func (h *crowdHost) mumble() error {
	h.mumbled = time.Now()
	for _, s := range h.sessions {
		if _, waits := h.waiting[s]; waits {
			continue
		}
		if _, err := h.conn.Write(s.seal([]byte{byte(proto.FramePadding)})); err != nil {
			return err
		}
	}
	return nil
}

// ask has the server answer each session.
func (h *crowdHost) ask() error {
	var asked []*crowdSession
	for _, s := range h.sessions {
		asked = append(asked, s)
	}
	return h.await(func() error {
		for len(asked) > 0 && len(h.waiting) < crowdWindow {
			s := asked[0]
			asked = asked[1:]
			probe := proto.MTUProbe{Size: 1000} // the shortest question that there is
			s.say = func() [][]byte { return [][]byte{s.seal(probe.Append(nil))} }
			h.send(s)
		}
		return nil
	})
}
