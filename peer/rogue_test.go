package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.uber.org/zap/zaptest/observer"

	"chunkcp/arq"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// rogue is a client that has made its handshake, and then does as the test says.
type rogue struct {
	*session
	t     *testing.T
	conn  udp.Conn
	msgs  []udp.Message
	takes struct {
		credit uint32
		bytes  int64
		heard  []proto.Message
	}
	ended error // why the session is over, as far as this side knows
}

func (r *rogue) credit() uint32           { return r.takes.credit }
func (r *rogue) room(*proto.Segment) bool { return r.takes.credit > 0 }
func (r *rogue) place(seg *proto.Segment) { r.takes.bytes += int64(len(seg.Payload)) }
func (r *rogue) message(_ time.Time, m proto.Message) error {
	r.takes.heard = append(r.takes.heard, m)
	return nil
}
func (r *rogue) read([][]byte, proto.ID, int64) error { panic("a client has no file") }

// rogue opens a session with a server.
func (w *world) rogue(s *simServer, credit uint32, requests ...proto.Message) *rogue {
	w.t.Helper()
	conn, err := simNetwork{w.client}.Dial(s.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	id, _ := secure.NewIdentity(nil)
	hs, err := newHandshake(conn, id, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var first []byte
	for _, m := range requests {
		first = m.Append(first)
	}
	welcome := proto.Welcome{Session: newSessionID(), Credit: credit, MaxDatagram: baseDatagram}
	a, err := hs.run(context.Background(), func(secure.PublicKey) error { return nil }, welcome, first)
	if err != nil {
		w.t.Fatal(err)
	}
	r := &rogue{t: w.t, conn: conn, msgs: newMessages(1)}
	r.session = newSession(a.welcome.Session, true, a.keys, a.welcome, a.rtt, arq.Config{Controller: &arq.Fixed{WindowBytes: 1 << 20}})
	r.takes.credit = credit
	r.session.conn, r.session.party, r.session.buffers, r.session.addr = conn, r, newBurstBuffers(), s.addr
	if err := r.write(a.finish, len(a.finish)); err != nil {
		w.t.Fatal(err)
	}
	if r.kem, err = secure.NewKEM(); err != nil {
		w.t.Fatal(err)
	}
	if err := r.sendKEMKey(); err != nil {
		w.t.Fatal(err)
	}
	for r.ended == nil && !r.mixed {
		r.conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := r.conn.Read(r.msgs)
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range r.msgs[:n] {
			eachDatagram(&r.msgs[i], func(b []byte) { r.ended = errors.Join(r.ended, r.handle(time.Now(), b)) })
		}
	}
	return r
}

// ask sends control messages and does not wait for anything.
func (r *rogue) ask(messages ...proto.Message) {
	r.t.Helper()
	for _, m := range messages {
		if err := r.tell(m); err != nil {
			r.t.Fatal(err)
		}
	}
	r.push()
}

// push sends the control messages that wait, and acknowledges nothing.
func (r *rogue) push() {
	for t, ok := r.sender.Poll(time.Now()); ok; t, ok = r.sender.Poll(time.Now()) {
		if err := r.sendBurst(&t); err != nil {
			r.t.Fatal(err)
		}
	}
}

// live takes what comes for a while. With acks it is acknowledged.
func (r *rogue) live(d time.Duration, acks bool) {
	r.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end) && r.ended == nil; {
		if acks {
			if err := r.flush(time.Now()); err != nil {
				r.t.Fatal(err)
			}
		} else {
			r.push()
		}
		next := end
		if t := r.nextTimeout(); acks && !t.IsZero() {
			next = earlier(next, t)
		}
		r.conn.SetReadDeadline(next)
		n, _ := r.conn.Read(r.msgs)
		for i := range r.msgs[:n] {
			eachDatagram(&r.msgs[i], func(b []byte) {
				if r.ended == nil {
					r.ended = r.handle(time.Now(), b)
				}
			})
		}
		r.sender.HandleTimeout(time.Now())
	}
}

// inRogueWorld runs a test with one server, whose sessions' ends it can read.
func inRogueWorld(t *testing.T, size int, test func(w *world, ended func() []observer.LoggedEntry)) {
	t.Helper()
	inWorld(t, 1, 1, size, hostileLink, func(w *world) {
		test(w, w.logOf(w.servers[0], "session ended"))
	})
}

// wantEnd fails the test unless the one session ended for the reason, after at
// least and at most so long.
func wantEnd(t *testing.T, began time.Time, ended func() []observer.LoggedEntry, reason error, least, most time.Duration) {
	t.Helper()
	for len(ended()) == 0 && time.Since(began) < most+time.Minute {
		time.Sleep(100 * time.Millisecond)
	}
	got := ended()
	if len(got) != 1 || got[0].ContextMap()["reason"] != reason.Error() {
		t.Fatalf("sessions that ended: %v, want one for %q", got, reason)
	}
	if took := got[0].Time.Sub(began); took < least || took > most {
		t.Errorf("ended after %v, want %v to %v", took, least, most)
	}
}

var (
	openIt = &proto.Open{ID: 1, Name: fileName}
	getAll = &proto.Get{ID: 2, File: 1, Range: rangeset.Range{End: proto.MaxGetBytes}}
	ping   = &proto.Ping{}
)

// TestASessionThatSaysNothing is kept for idleTime.
func TestASessionThatSaysNothing(t *testing.T) {
	inRogueWorld(t, 1<<20, func(w *world, ended func() []observer.LoggedEntry) {
		began := time.Now()
		w.rogue(w.servers[0], 1<<20)
		wantEnd(t, began, ended, errIdle, idleTime, idleTime+time.Second)
	})
}

// TestAClientThatDisappears with a file under way is kept for unansweredTime.
func TestAClientThatDisappears(t *testing.T) {
	inRogueWorld(t, 4<<20, func(w *world, ended func() []observer.LoggedEntry) {
		began := time.Now()
		w.rogue(w.servers[0], 1<<20, openIt, getAll)
		wantEnd(t, began, ended, errIdle, unansweredTime, unansweredTime+time.Second)
	})
}

// TestAClientThatNeverAcknowledges, but shows that it is there: what is in flight
// to it is bounded, what is sent to probe it is little, and it is dropped.
func TestAClientThatNeverAcknowledges(t *testing.T) {
	inRogueWorld(t, 4<<20, func(w *world, ended func() []observer.LoggedEntry) {
		began := time.Now()
		r := w.rogue(w.servers[0], 1<<20, openIt, getAll)
		for len(ended()) == 0 && time.Since(began) < 2*stalledTime {
			r.ask(ping)
			r.live(time.Second, false)
		}
		wantEnd(t, began, ended, errStalled, stalledTime, stalledTime+2*time.Second)
		st := ended()[0].ContextMap()
		t.Logf("%v segments, %v of them repeats, %v bytes", st["segments"], st["repeated"], st["bytes"])
		if bytes := st["bytes"].(uint64); bytes > 1<<20 {
			t.Errorf("%d bytes were sent to a client that acknowledged none", bytes)
		}
	})
}

// TestAClientThatGivesNoCredit gets single segments, by which the server asks
// for some.
func TestAClientThatGivesNoCredit(t *testing.T) {
	inRogueWorld(t, 4<<20, func(w *world, ended func() []observer.LoggedEntry) {
		began := time.Now()
		r := w.rogue(w.servers[0], 0, openIt, getAll)
		for r.ended == nil && time.Since(began) < 2*stalledTime {
			r.live(time.Second, true)
			if r.ended == nil {
				r.ask(ping)
			}
		}
		wantEnd(t, began, ended, errStalled, stalledTime, stalledTime+2*time.Second)
		if closed := (*errClosed)(nil); !errors.As(r.ended, &closed) || closed.Code != proto.CloseIdle {
			t.Errorf("the client was told %v", r.ended)
		}
		t.Logf("%v segments", ended()[0].ContextMap()["segments"])
		if n := ended()[0].ContextMap()["segments"].(uint64); n > 60_000 { // one a probe timeout
			t.Errorf("%d segments to a client without room", n)
		}
	})
}

// TestASlowReaderIsServed: a client that takes little, but takes, keeps its
// session.
func TestASlowReaderIsServed(t *testing.T) {
	inRogueWorld(t, 4<<20, func(w *world, ended func() []observer.LoggedEntry) {
		r := w.rogue(w.servers[0], 2000, openIt, getAll)
		for range 5 {
			before := r.takes.bytes
			r.takes.credit = 2000
			r.live(time.Second, true)
			r.takes.credit = 0
			for range 4 * 60 { // four minutes without room
				r.live(time.Second, true)
				if r.ended == nil {
					r.ask(ping)
				}
			}
			if r.ended != nil || r.takes.bytes == before {
				t.Fatalf("%d bytes came, then %v", r.takes.bytes-before, r.ended)
			}
		}
		if len(ended()) != 0 {
			t.Error("its session was ended")
		}
	})
}

// TestRequestsWithoutEnd: a client that asks and does not read is dropped when
// what waits for it reaches the control stream's bound.
func TestRequestsWithoutEnd(t *testing.T) {
	for name, request := range map[string]func(i int) proto.Message{
		"opens of a file":         func(i int) proto.Message { return &proto.Open{ID: proto.ID(i), Name: fileName} },
		"opens of what is absent": func(i int) proto.Message { return &proto.Open{ID: proto.ID(i), Name: "none"} },
		"gets of no file":         func(i int) proto.Message { return &proto.Get{ID: proto.ID(i), File: 9, Range: rangeset.Range{End: 1}} },
	} {
		t.Run(name, func(t *testing.T) {
			inRogueWorld(t, 4<<20, func(w *world, ended func() []observer.LoggedEntry) {
				r := w.rogue(w.servers[0], 1<<20)
				began, asked := time.Now(), 0
				for len(ended()) == 0 && time.Since(began) < time.Minute {
					for range 100 {
						asked++
						if err := r.tell(request(asked)); err != nil {
							t.Fatal(err)
						}
					}
					acknowledgeControl(r)
				}
				wantEnd(t, began, ended, arq.ErrControlFull, 0, time.Minute)
				t.Logf("dropped after %d requests, %v", asked, time.Since(began))
			})
		})
	}
}

// acknowledgeControl reads the server's acknowledgements, and sends none.
func acknowledgeControl(r *rogue) { r.live(20*time.Millisecond, false) }

// TestTreesInALoop: hashes are told again and again, as fast as the client
// acknowledges them, and no faster.
func TestTreesInALoop(t *testing.T) {
	inRogueWorld(t, 4<<20, func(w *world, ended func() []observer.LoggedEntry) {
		r := w.rogue(w.servers[0], 1<<20, openIt)
		r.live(time.Second, true)
		before := heapBytes()
		for i := range 2000 {
			r.ask(&proto.Tree{File: 1, Pieces: rangeset.Range{Start: int64(i % 5), End: int64(i%5) + int64(i)<<20}})
			r.live(time.Millisecond, true)
		}
		r.live(time.Second, true)
		t.Logf("%d answers, %d KiB of heap more", len(r.takes.heard), (heapBytes()-before)>>10)
		if r.ended != nil || len(ended()) != 0 {
			t.Fatalf("%v, %v", r.ended, ended())
		}
		roots := 0
		for _, m := range r.takes.heard {
			if _, is := m.(*proto.Root); is {
				roots++
			}
		}
		if roots != 1 {
			t.Errorf("the root was told %d times for one Open", roots)
		}
	})
}

// heapBytes returns how many bytes are in use.
func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestDropsInALoop: each splits what is left of a Get, up to a bound; the bytes
// that were not dropped come all the same.
func TestDropsInALoop(t *testing.T) {
	inRogueWorld(t, 4<<20, func(w *world, ended func() []observer.LoggedEntry) {
		r := w.rogue(w.servers[0], 0, openIt, getAll)
		dropped := int64(0)
		for at := int64(1 << 20); at < 4<<20 && r.ended == nil; at += 200 {
			if err := r.tell(&proto.Drop{ID: 2, Range: rangeset.Range{Start: at, End: at + 100}}); err != nil {
				t.Fatal(err)
			}
			dropped += 100
			if dropped%20_000 == 0 {
				r.live(20*time.Millisecond, true)
			}
		}
		r.live(time.Second, true)
		r.takes.credit = 1 << 20
		r.receiver.Announce(time.Now())
		r.live(time.Minute/2, true)
		if r.ended != nil || len(ended()) != 0 {
			t.Fatalf("%v, %v", r.ended, ended())
		}
		if least, most := int64(4<<20)-dropped, int64(4<<20)-100*1000; r.takes.bytes < least || r.takes.bytes > most {
			t.Errorf("%d bytes came, want %d to %d: some Drops have their effect, and no more than those", r.takes.bytes, least, most)
		}
	})
}

// TestGetsOfOneByte: each costs a datagram, and no more than 256 are under way.
func TestGetsOfOneByte(t *testing.T) {
	inRogueWorld(t, 4<<20, func(w *world, ended func() []observer.LoggedEntry) {
		r := w.rogue(w.servers[0], 1<<20, openIt)
		r.live(time.Second, true)
		const asked = 5000
		for i := range asked {
			if err := r.tell(&proto.Get{ID: proto.ID(i + 2), File: 1, Range: rangeset.Range{Start: int64(i), End: int64(i) + 1}}); err != nil {
				t.Fatal(err)
			}
			if i%1000 == 999 {
				r.live(time.Second, true)
			}
		}
		r.live(5*time.Second, true)
		busy := 0
		for _, m := range r.takes.heard {
			if f, is := m.(*proto.Failed); is && f.Code == proto.FailBusy {
				busy++
			}
		}
		t.Logf("%d bytes came, %d were refused", r.takes.bytes, busy)
		if r.ended != nil || int(r.takes.bytes)+busy != asked || r.takes.bytes < maxGets || busy < maxGets {
			t.Errorf("%d bytes came, %d were refused, of %d; %v", r.takes.bytes, busy, asked, r.ended)
		}
	})
}

// TestProbesInALoop: a datagram is answered by no more than one.
func TestProbesInALoop(t *testing.T) {
	inRogueWorld(t, 1<<20, func(w *world, ended func() []observer.LoggedEntry) {
		began := time.Now()
		r := w.rogue(w.servers[0], 1<<20)
		var frames []byte
		probe := proto.MTUProbe{Size: 1000}
		for range 300 {
			frames = probe.Append(frames)
		}
		if err := r.sendFrame(rawFrame(frames)); err != nil {
			t.Fatal(err)
		}
		r.live(time.Second, false)
		if got := ended(); len(got) != 1 || time.Since(began) > 5*time.Second {
			t.Fatalf("sessions that ended: %v", got)
		}
		if r.datagrams > 3 { // an answer to the probe, an acknowledgement, the close
			t.Errorf("%d datagrams in answer to one", r.datagrams)
		}
	})
}

// rawFrame is what a test has made of a datagram's contents.
type rawFrame []byte

func (f rawFrame) Append(dst []byte) []byte { return append(dst, f...) }

// TestFileBytesForAServer: a client can make a server keep no state of channels,
// and its control stream has one.
func TestFileBytesForAServer(t *testing.T) {
	inRogueWorld(t, 1<<20, func(w *world, ended func() []observer.LoggedEntry) {
		r := w.rogue(w.servers[0], 1<<20)
		for channel := proto.Channel(1); channel < proto.MaxChannels; channel += 7 {
			seg := proto.Segment{Channel: channel, Count: 1, Request: 5, Payload: []byte("x")}
			if err := r.sendFrame(&seg); err != nil {
				t.Fatal(err)
			}
		}
		r.live(time.Second, false)
		if r.ended != nil || len(ended()) != 0 {
			t.Fatalf("%v, %v", r.ended, ended())
		}
		seg := proto.Segment{Channel: 9, Count: 1, Payload: ping.Append(nil)}
		if err := r.sendFrame(&seg); err != nil {
			t.Fatal(err)
		}
		r.live(time.Second, false)
		if closed := (*errClosed)(nil); !errors.As(r.ended, &closed) || closed.Code != proto.CloseProtocol {
			t.Errorf("control messages on channel 9: %v", r.ended)
		}
	})
}

// TestAClientThatHasLargeFilesHashed, and stays to wait for that: the hashes of
// what others fetch are told soon all the same.
func TestAClientThatHasLargeFilesHashed(t *testing.T) {
	inRogueWorld(t, 4<<20, func(w *world, _ func() []observer.LoggedEntry) {
		s := w.servers[0]
		requests := []proto.Message{}
		for id := proto.ID(1); id <= maxHashed; id++ {
			name := fmt.Sprint("large", id)
			path := filepath.Join(s.root, name)
			if err := errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, 1<<34)); err != nil {
				t.Fatal(err)
			}
			requests = append(requests, &proto.Open{ID: id, Name: name}, &proto.Tree{File: id, Pieces: rangeset.Range{End: 1}})
		}
		w.slowHashing(s, 30*time.Millisecond)
		r := w.rogue(s, 0, requests...)
		r.live(time.Second, true)
		_, took := w.fetch(w.options())
		r.live(time.Millisecond, true)
		hashes, roots := 0, 0
		for _, m := range r.takes.heard {
			switch m.(type) {
			case *proto.Hashes:
				hashes++
			case *proto.Root:
				roots++
			}
		}
		t.Logf("fetched in %v", took)
		if r.ended != nil || hashes != maxHashed || roots != 0 {
			t.Fatalf("the large files were not being hashed: %d hashes, %d roots, %v", hashes, roots, r.ended)
		}
		within(t, "fetching a small file", took, 5*time.Second)
	})
}
