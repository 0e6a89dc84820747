package peer

import (
	"errors"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// running starts the one server of a world anew and returns what changes it.
func (w *world) running(adjust func(o *ServeOptions)) (s *Server) {
	w.restart(w.servers[0], func(o *ServeOptions) {
		if adjust != nil {
			adjust(o)
		}
		o.OnStart = func(started *Server) { s = started }
	})
	return s
}

// TestAListOfClientsIsChanged: whom the new one has is served, whom it has not is
// refused, and loses a session that has begun.
func TestAListOfClientsIsChanged(t *testing.T) {
	inWorld(t, 1, 1, 1<<20, strangerLink, func(w *world) {
		friend, _ := secure.NewIdentity(nil)
		stranger, _ := secure.NewIdentity(nil)
		ended := w.logOf(w.servers[0], "session ended")
		s := w.running(nil)
		first := w.rogue(w.servers[0], 1<<20)
		if err := s.SetAccess(nil, []secure.PublicKey{}); !errors.Is(err, errNobody) {
			t.Errorf("a list of nobody: %v", err)
		}
		first.live(time.Second, true)
		if first.ended != nil {
			t.Fatalf("a list that was not taken ends a session: %v", first.ended)
		}
		if err := s.SetAccess(nil, []secure.PublicKey{friend.PublicKey()}); err != nil {
			t.Fatal(err)
		}
		first.live(time.Second, true)
		if closed := (*errClosed)(nil); !errors.As(first.ended, &closed) || closed.Code != proto.CloseForbidden {
			t.Errorf("who is not on the list hears %v", first.ended)
		}
		if got := ended(); len(got) != 1 || got[0].ContextMap()["reason"] != errNotAllowed.Error() {
			t.Errorf("sessions that ended: %v", got)
		}
		o := w.options()
		o.Identity = stranger
		w.refuse(o, ErrRefused)
		o.Identity = friend
		w.fetch(o)
		if err := s.SetAccess(nil, nil); err != nil {
			t.Fatal(err)
		}
		o.Identity = stranger
		w.fetch(o)
	})
}

// TestAFetchGoesOnWhereTheListStillHasIt: a list that is changed in its middle, to one
// that has it too.
func TestAFetchGoesOnWhereTheListStillHasIt(t *testing.T) {
	link := netsim.Link{Rate: 1_000_000, Queue: 1 << 20, Delay: 10 * time.Millisecond}
	inWorld(t, 1, 1, 2<<20, link, func(w *world) {
		o := w.options()
		ended := w.logOf(w.servers[0], "session ended")
		s := w.running(func(s *ServeOptions) { s.Allow = []secure.PublicKey{o.Identity.PublicKey()} })
		other, _ := secure.NewIdentity(nil)
		w.after(time.Second, func() {
			if n := len(ended()); n != 0 {
				t.Errorf("%d sessions have ended: not in the middle", n)
			}
			if err := s.SetAccess(nil, []secure.PublicKey{other.PublicKey(), o.Identity.PublicKey()}); err != nil {
				t.Error(err)
			}
		})
		w.fetch(o)
		time.Sleep(time.Second)
		if n := len(ended()); n != 1 {
			t.Errorf("%d sessions ended, want the one", n)
		}
	})
}

// TestAPreSharedKeyIsChanged: who has the old one only is not answered any more, not
// even one whose handshake has begun.
func TestAPreSharedKeyIsChanged(t *testing.T) {
	before, after := testPSK(t, 1), testPSK(t, 2)
	inWorld(t, 1, 1, 1<<20, strangerLink, func(w *world) {
		s := w.running(func(o *ServeOptions) { o.PSK = before })
		o := w.options()
		o.Peers[0].PSK = before
		w.fetch(o)
		sent := w.written(w.servers[0].addr)
		time.AfterFunc(25*time.Millisecond, func() { // the HelloReply has been sent, the Finish has not come
			if sent.count(proto.KindHelloReply) != 1 || sent.total() != 1 {
				t.Errorf("not in the middle of a handshake: %v", sent.kinds)
			}
			if err := s.SetAccess(after, nil); err != nil {
				t.Error(err)
			}
		})
		o.Timeout, o.Out = 13*time.Second, o.Out+"2"
		w.refuse(o, ErrNoPeers)
		if n := sent.count(proto.KindServerSealed); n != 0 {
			t.Errorf("%d sealed datagrams for who has the old key", n)
		}
		o.Peers[0].PSK = after
		w.fetch(o)
		if err := s.SetAccess(nil, nil); err != nil {
			t.Fatal(err)
		}
		o.Peers[0].PSK = nil
		w.fetch(o)
	})
}
