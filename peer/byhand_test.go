package peer

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"chunkcp/arq"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// byHand is a session whose other side is a test's: an honest twin, which reads
// what it sends and acknowledges it when told to, and shares its keys with
// whoever makes authentic datagrams of another kind.
type byHand struct {
	*session
	out    *wire // what the session has sent
	twin   *session
	back   wire // what the twin has sent
	now    time.Time
	burst  proto.Burst // of the control stream to the session
	offset int64
}

// newTwin returns the other side of a session with newKeys, a server's unless
// isClient is set.
func newTwin(s *session, out *wire, isClient bool, p party, now time.Time) *byHand {
	h := &byHand{session: s, out: out, now: now}
	keys := newKeys()
	if !isClient {
		keys = secure.Keys{Send: keys.Receive, Receive: keys.Send}
	}
	h.twin = newSession(s.id, isClient, keys, proto.Welcome{Session: s.id, Credit: 1 << 20, MaxDatagram: baseDatagram},
		time.Millisecond, arq.Config{Controller: &arq.Fixed{WindowBytes: 1 << 20}})
	h.twin.conn, h.twin.party, h.twin.buffers = &h.back, p, s.buffers
	if isClient {
		mixKeys(h.twin, s)
	} else {
		mixKeys(s, h.twin)
	}
	return h
}

// frames has the session handle a datagram with these frames.
func (h *byHand) frames(plain []byte) error {
	pn := h.twin.sender.NextNumber()
	b := h.twin.header(pn).Append(nil)
	return h.handle(h.now, h.twin.sealer.Seal(b, b, plain, uint64(pn)))
}

// control has it handle bytes of the control stream, the next ones.
func (h *byHand) control(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), baseSegment)
		h.burst = h.burst.Next()
		seg := proto.Segment{Count: 1, Burst: h.burst, Offset: h.offset, Payload: b[:n]}
		if err := h.frames(seg.Append(nil)); err != nil {
			return err
		}
		h.offset += int64(n)
		b = b[n:]
	}
	return nil
}

// hear has the twin read what the session has sent, but for the acknowledgements
// of what was not the twin's own, and acknowledge it or not.
func (h *byHand) hear(t testing.TB, acks bool) error {
	t.Helper()
	for i, x := range h.out.writes {
		end := len(h.out.run)
		if i+1 < len(h.out.writes) {
			end = h.out.writes[i+1][0]
		}
		m := udp.Message{Buf: h.out.run[x[0]:end], N: end - x[0], Segment: x[1]}
		eachDatagram(&m, func(b []byte) { h.read(t, b) })
	}
	h.out.run, h.out.writes = h.out.run[:0], h.out.writes[:0]
	if segments, _ := h.twin.receiver.Received(); !acks || segments == 0 {
		return nil
	}
	if err := h.twin.sendAck(h.now); err != nil {
		t.Fatal(err)
	}
	run := append([]byte(nil), h.back.run...)
	h.back.run, h.back.writes = h.back.run[:0], nil
	return h.handle(h.now, run)
}

// read has the twin take the segments of a datagram.
func (h *byHand) read(t testing.TB, b []byte) {
	t.Helper()
	header, clear, body, err := proto.ParseSealed(b)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := h.twin.opener.Open(body[:0], clear, body, header.Phase, uint64(header.Number))
	for err == nil && len(plain) > 0 {
		var kind proto.FrameType
		var frame []byte
		if kind, frame, plain, err = proto.NextFrame(plain); frame == nil {
			break
		}
		if kind == proto.FrameSegment {
			if h.twin.segment, err = proto.ParseSegment(frame); err == nil {
				err = h.twin.handleSegment(h.now, header.Number)
			}
		}
	}
	if err != nil {
		t.Fatalf("what the session sent: %v", err)
	}
}

// serverByHand is a server with the files of a directory and one session, which
// writes to out.
type serverByHand struct {
	*byHand
	session *serverSession
	server  *server
}

func newServerByHand(t testing.TB, dir *root, client party, out *wire) *serverByHand {
	t.Helper()
	now := time.Now()
	opt := ServeOptions{Log: zap.NewNop()}
	srv := &server{
		opt: opt, log: opt.Log, root: dir, buffers: newBurstBuffers(), hashing: newHashing(opt, &crashes{log: opt.Log}), ctx: context.Background(),
		paths: newPaths(opt.Limits), sessions: map[proto.SessionID]*serverSession{},
		inboxes: newCommons(inboxCommons), control: newCommons(controlCommons), records: newCommons(recordCommons),
	}
	srv.pool.New = func() any { return new(datagram) }
	keys := newKeys()
	keys = secure.Keys{Send: keys.Receive, Receive: keys.Send}
	w := proto.Welcome{Session: 7, Credit: 1 << 20, MaxDatagram: baseDatagram}
	member := srv.paths.join(pathKey{client: secure.PublicKey{1}, fetch: 7}, time.Millisecond, time.Millisecond)
	c := &serverSession{
		server: srv, path: member, inbox: inbox{commons: srv.inboxes}, log: opt.Log, wake: make(chan struct{}, 1),
		files: map[proto.ID]*servedFile{}, gets: map[proto.ID]*servedFile{}, feeds: map[proto.ID]*treeFeed{},
		movedAt: now,
	}
	c.share(srv)
	c.session = newSession(7, false, keys, w, time.Millisecond, arq.Config{Controller: member, Memory: &c.memory, Records: &c.record})
	c.control.Memory = &c.memory
	c.conn, c.party, c.buffers, c.heard = out, c, srv.buffers, now
	c.mtu = arq.NewPathMTU(now, baseDatagram, int(w.MaxDatagram), c.sender.ProbeTimeout())
	return &serverByHand{newTwin(c.session, out, true, client, now), c, srv}
}

// turn does what a session's loop does between datagrams.
func (h *serverByHand) turn() error {
	if err := h.session.feed(); err != nil {
		return err
	}
	if err := h.flush(h.now); err != nil {
		return err
	}
	h.session.forgetFinished()
	h.sender.HandleTimeout(h.now)
	return h.session.overdue(h.now)
}

// end releases what the session holds, and checks that it held no more than it may.
func (h *serverByHand) end(t testing.TB) {
	t.Helper()
	h.session.release()
	h.server.hashing.running.Wait()
	for what, c := range map[string]*commons{"inboxes": h.server.inboxes, "control": h.server.control, "records": h.server.records} {
		if n := c.used.Load(); n != 0 {
			t.Fatalf("%d of the commons of %s are held after the end", n, what)
		}
	}
	if n := h.server.root.open.Load(); n != 0 {
		t.Fatalf("%d files are open after the end", n)
	}
	if n := len(h.server.hashing.trees); n != 0 {
		t.Fatalf("%d trees are kept after the end", n)
	}
}

// rootOf returns a root directory with files of these sizes, called a, b, and so on.
func rootOf(t testing.TB, sizes ...int) *root {
	t.Helper()
	dir := t.TempDir()
	for i, size := range sizes {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))), positioned(size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := openRoot(dir, secure.PublicKey{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}
