package peer

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/proto"
)

// wantedBytes is a client that checks what it gets: all files that are served
// begin alike.
type wantedBytes struct {
	t       *testing.T
	content []byte
}

func (p *wantedBytes) credit() uint32           { return 1 << 20 }
func (p *wantedBytes) room(*proto.Segment) bool { return true }
func (p *wantedBytes) place(seg *proto.Segment) {
	end := seg.Offset + int64(len(seg.Payload))
	if end > int64(len(p.content)) || !bytes.Equal(seg.Payload, p.content[seg.Offset:end]) {
		p.t.Fatalf("bytes %d to %d of request %d are not those of the file", seg.Offset, end, seg.Request)
	}
}
func (p *wantedBytes) message(time.Time, proto.Message) error { return nil }
func (p *wantedBytes) read([][]byte, proto.ID, int64) error   { panic("a client has no file") }

// What a hostile client of a session may cost: allocated in all, whatever it
// sends, and for each datagram. A datagram's messages, their answers, a file's
// record or a queue that doubles are less than datagramCost; the session itself,
// its buffers and a hashing goroutine's piece make the rest.
const (
	sessionCost  = 8 << 20
	datagramCost = 64 << 10
	hashingCost  = assign.PieceBytes + 64<<10
)

// FuzzHostileClient has a server's session handle what a client with the right
// keys may send: any frames, any messages, in any order and at any time.
func FuzzHostileClient(f *testing.F) {
	addScripts(f)
	sizes := []int{0, 1, 2000, assign.PieceBytes, 2*assign.PieceBytes + 17}
	dir := rootOf(f, sizes...)
	content := positioned(sizes[len(sizes)-1])
	out := &wire{run: make([]byte, 0, 4<<20)} // of all runs, or to grow it would be counted
	f.Fuzz(func(t *testing.T, b []byte) {
		out.run, out.writes = out.run[:0], nil
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h := newServerByHand(t, dir, &wantedBytes{t, content}, out)
		defer h.end(t)
		s := &script{b: b[:min(len(b), 2000)]}
		datagrams, trees := 0, 0
		var err error
		for err == nil && !s.over() {
			switch op := s.of(16); {
			case op < 7:
				m := s.message(true)
				if _, is := m.(*proto.Tree); is {
					trees++
				}
				err = h.control(m.Append(nil))
				h.server.hashing.running.Wait()
			case op < 9:
				err = h.frames(s.frame(h.sender.NextNumber()))
			case op < 13:
				err = h.hear(t, s.of(4) > 0)
			case op < 15:
				h.now = h.now.Add(s.wait())
			case s.of(64) == 0:
				err = h.control(s.bytes(s.of(300)))
			}
			datagrams++
			if err == nil {
				err = h.turn()
			}
			h.check(t)
		}
		h.server.hashing.running.Wait()
		runtime.ReadMemStats(&after)
		if raceEnabled {
			return // it makes a sync.Pool forget
		}
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(sessionCost+datagrams*datagramCost+trees*hashingCost); got > most {
			t.Fatalf("%d bytes were allocated for %d datagrams and %d trees, want %d at most", got, datagrams, trees, most)
		}
	})
}

// check holds a session against its bounds.
func (h *serverByHand) check(t *testing.T) {
	t.Helper()
	c := h.session
	switch {
	case len(c.files) > maxFiles || len(c.gets) > maxGets || len(c.feeds) > len(c.files):
		t.Fatalf("%d files, %d requests, %d feeds", len(c.files), len(c.gets), len(c.feeds))
	case c.sender.ControlRoom() < 0:
		t.Fatalf("%d bytes past the control stream's bound", -c.sender.ControlRoom())
	case c.sender.Unsent() < 0 || c.sender.Stats().InFlight < 0:
		t.Fatalf("%d bytes unsent, %d in flight", c.sender.Unsent(), c.sender.Stats().InFlight)
	case len(h.out.run) > 4<<20:
		t.Fatalf("%d bytes were sent to a client that has given credit for 1 MiB", len(h.out.run))
	case c.sender.Idle() && c.sender.Unsent() == 0 && c.sender.Stats().InFlight == 0:
		c.forgetFinished()
		if len(c.gets) != 0 {
			t.Fatalf("nothing is to be sent for %d requests", len(c.gets))
		}
	}
	for id, f := range c.gets {
		if f.users.Load() < 1 {
			t.Fatalf("request %d is for a file that was closed", id)
		}
	}
}
