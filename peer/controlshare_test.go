package peer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// listener is a client that counts what it is told.
type listener struct {
	sink
	opened, hashes int
	root           bool
}

func (l *listener) message(_ time.Time, m proto.Message) error {
	switch m := m.(type) {
	case *proto.Opened:
		l.opened++
	case *proto.Hashes:
		l.hashes += len(m.Hashes)
	case *proto.Root:
		l.root = true
	}
	return nil
}

// crowdByHand is sessions of one server, whose control messages share memory.
type crowdByHand struct {
	t       *testing.T
	dir     *root
	control *commons
}

// join begins a session, whose control messages have the crowd's memory.
func (c *crowdByHand) join(p party) *serverByHand {
	h := newServerByHand(c.t, c.dir, p, &wire{})
	h.server.control = c.control
	h.session.memory.commons = c.control
	return h
}

// TestThousandsOfFullControlStreams: clients that ask and acknowledge nothing have
// their answers wait. What that takes is bounded, each has as much as any other, and
// one that does acknowledge is served as if they were not there.
func TestThousandsOfFullControlStreams(t *testing.T) {
	const sessions = 2000
	crowd := &crowdByHand{t: t, dir: rootOf(t, 1), control: newCommons(controlCommons)}
	before := heapBytes()
	var greedy []*serverByHand
	for range sessions {
		greedy = append(greedy, crowd.join(&sink{}))
	}
	empty := heapBytes() - before
	answer := &proto.Failed{ID: 1, Code: proto.FailBusy, Reason: "too many open files"}
	over := make([]error, sessions)
	for left := sessions; left > 0; { // in turns, as they would
		for i, h := range greedy {
			for n := 0; n < 100 && over[i] == nil; n++ {
				if over[i] = h.tell(answer); over[i] != nil {
					left--
				}
			}
		}
	}
	var held, least int64
	for i, h := range greedy {
		if !errors.Is(over[i], arq.ErrNoMemory) {
			t.Fatalf("session %d: %v, want %v", i, over[i], arq.ErrNoMemory)
		}
		held += h.session.memory.held
		if least = h.session.memory.held; least < controlShare {
			t.Errorf("session %d has %d bytes, %d are its own", i, least, controlShare)
		}
	}
	t.Logf("%d KiB are held by %d sessions, %d by the last; the heap has %d MiB more than %d", held>>10, sessions, least, (heapBytes()-before-empty)>>20, empty>>20)
	if most := int64(sessions*controlShare + controlCommons); held > most || held < most-controlCommons/4 {
		t.Errorf("%d bytes are held, want nearly %d", held, most)
	}
	if grown := heapBytes() - before - empty; grown > held+held/4 {
		t.Errorf("%d bytes of heap for %d that are held", grown, held)
	}

	if room := crowd.control.room(0); room > controlShare {
		t.Errorf("there is room for %d bytes of one more: memory is not short", room)
	}
	crowd.served()
	if closed := closeOf(t, greedy[0], arq.ErrNoMemory); closed.Code != proto.CloseBusy {
		t.Errorf("a session for which there is no memory is closed as %v", closed.Code)
	}
	for _, h := range greedy {
		h.session.release()
	}
	if n := crowd.control.used.Load(); n != 0 {
		t.Errorf("%d bytes of the commons are held after the end", n)
	}
}

// TestASessionsOwnShareIsEnough: where others have all of the commons.
func TestASessionsOwnShareIsEnough(t *testing.T) {
	crowd := &crowdByHand{t: t, control: newCommons(controlCommons)}
	crowd.control.used.Store(controlCommons)
	crowd.served()
	if n := crowd.control.used.Load(); n != controlCommons {
		t.Errorf("%d bytes of the commons were taken", n-controlCommons)
	}
}

// served has a client open a file and be told all that there is to know of it.
func (c *crowdByHand) served() {
	c.t.Helper()
	const pieces = 300
	dir := c.t.TempDir()
	path := filepath.Join(dir, "long")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Truncate(path, pieces*assign.PieceBytes); err != nil {
		c.t.Fatal(err)
	}
	root, err := openRoot(dir, secure.PublicKey{1})
	if err != nil {
		c.t.Fatal(err)
	}
	defer root.close()
	client := &listener{}
	c.dir = root
	h := c.join(client)
	for _, m := range []proto.Message{&proto.Open{ID: 1, Name: "long"}, &proto.Tree{File: 1, Pieces: rangeset.Range{End: pieces}}} {
		if err := h.control(m.Append(nil)); err != nil {
			c.t.Fatal(err)
		}
	}
	h.server.hashing.running.Wait()
	for turns := 0; !client.root && turns < 100; turns++ {
		if err := h.turn(); err != nil {
			c.t.Fatal(err)
		}
		if held := h.session.memory.held; held > 2*controlShare {
			c.t.Errorf("it holds %d bytes, and others have the commons", held)
		}
		h.now = h.now.Add(10 * time.Millisecond)
		if err := h.hear(c.t, true); err != nil {
			c.t.Fatal(err)
		}
	}
	if client.opened != 1 || client.hashes != pieces || !client.root {
		c.t.Errorf("it was told %d files, %d hashes and the root: %v", client.opened, client.hashes, client.root)
	}
	h.session.release()
}

// closeOf ends a session for a reason, and returns what its client hears of that.
func closeOf(t *testing.T, h *serverByHand, reason error) *errClosed {
	t.Helper()
	h.out.run, h.out.writes = nil, nil
	h.session.end(context.Background(), reason)
	var closed *errClosed
	if err := h.twin.handle(h.now, h.out.run); !errors.As(err, &closed) {
		t.Fatalf("the client heard %v", err)
	}
	return closed
}
