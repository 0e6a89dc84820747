package e2e

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// conduct is what a rogueServer does otherwise than others.
type conduct struct {
	says       []byte // the frame that is all that it says, whatever it is asked
	silent     bool   // it acknowledges, and answers nothing
	stalls     bool   // it sends no more than most bytes of a range
	most       int64
	wrongEvery int64 // of so many pieces the first has a wrong byte; 0 for none
}

// rogueServer is a server made by hand. It makes every handshake, and has the
// file that writePattern makes.
type rogueServer struct {
	conduct
	size     int64 // of the file
	id       *secure.Identity
	conn     udp.Conn
	content  []byte
	root     tree.Hash
	pieces   [][proto.HashLen]byte
	half     map[proto.SessionID]*secure.Handshake
	sessions map[proto.SessionID]*rogueSession

	asked atomic.Int64 // bytes of the ranges that it was asked for
	gave  atomic.Int64 // bytes of the file in segments that it sent, repeats too
	lies  atomic.Int64 // wrong bytes among them
	told  atomic.Int64 // acknowledgements of sessions that have no more to send
}

func startRogue(t *testing.T, size int64, c conduct) *rogueServer {
	t.Helper()
	l := &rogueServer{conduct: c, size: size}
	var err error
	if l.id, err = secure.NewIdentity(nil); err != nil {
		t.Fatal(err)
	}
	l.content = make([]byte, l.size)
	if _, err := (&pattern{}).Read(l.content); err != nil {
		t.Fatal(err)
	}
	l.pieces = make([][proto.HashLen]byte, tree.Pieces(size))
	l.root, err = tree.Sum(context.Background(), bytes.NewReader(l.content), size, func(i int64, h tree.Hash) {
		l.pieces[i] = h // in any order
	})
	if err != nil {
		t.Fatal(err)
	}
	l.half, l.sessions = map[proto.SessionID]*secure.Handshake{}, map[proto.SessionID]*rogueSession{}
	conns, err := udp.Listen("127.0.0.1:0", udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l.conn = conns[0]
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := l.serve(); !errors.Is(err, net.ErrClosed) {
			t.Error("a server made by hand:", err)
		}
	}()
	t.Cleanup(func() { l.conn.Close(); <-done })
	return l
}

func (l *rogueServer) addr() string { return l.conn.LocalAddr().String() }

// serve returns net.ErrClosed once the socket is closed.
func (l *rogueServer) serve() error {
	msgs := []udp.Message{{Buf: make([]byte, udp.MaxRead)}}
	for {
		var next time.Time
		for _, s := range l.sessions {
			if at := s.nextTimeout(); next.IsZero() || !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		l.conn.SetReadDeadline(next)
		n, err := l.conn.Read(msgs)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			continue // of a client that has ended
		}
		for _, m := range msgs[:n] {
			for start := 0; start < m.N; start += m.Segment {
				if err := l.handle(m.Addr, m.Buf[start:min(start+m.Segment, m.N)]); err != nil {
					return err
				}
			}
		}
		for id, s := range l.sessions {
			if s.closed != nil {
				delete(l.sessions, id)
				continue
			}
			told := s.told
			s.flush(time.Now())
			if s.sender.Idle() {
				l.told.Add(s.told - told)
			}
		}
	}
}

func (l *rogueServer) handle(from netip.AddrPort, b []byte) error {
	switch proto.KindOf(b) {
	case proto.KindHello:
		return l.hello(from, b)
	case proto.KindFinish:
		return l.finish(from, b)
	case proto.KindClientSealed:
		h, _, _, err := proto.ParseSealed(b)
		s := l.sessions[h.Session]
		if err != nil || s == nil {
			return err
		}
		began := s.mixed
		if err := s.handle(time.Now(), b); err != nil {
			return err
		}
		if s.mixed && !began && l.says != nil {
			s.send(raw(l.says))
			delete(l.sessions, h.Session)
		}
	}
	return nil
}

// raw is a frame as it is.
type raw []byte

func (f raw) Append(dst []byte) []byte { return append(dst, f...) }

func (l *rogueServer) hello(from netip.AddrPort, b []byte) error {
	h, err := proto.ParseHello(b)
	if err != nil {
		return err
	}
	noise, err := secure.NewResponder(secure.HandshakeConfig{Identity: l.id, Prologue: h.Prologue()})
	if err != nil {
		return err
	}
	if _, err := noise.ReadMessage(nil, h.Noise); err != nil {
		return err
	}
	w := proto.Welcome{Session: proto.SessionID(rand.Uint64()>>(64-proto.SessionIDBits) | 1), Credit: rogueWindow, MaxDatagram: rogueDatagram}
	l.half[w.Session] = noise
	r := proto.HelloReply{Version: proto.Version, ID: h.ID}
	if r.Noise, err = noise.WriteMessage(nil, w.Append(nil)); err != nil {
		return err
	}
	out := r.Append(nil)
	_ = l.conn.Write(out, len(out), from)
	return nil
}

func (l *rogueServer) finish(from netip.AddrPort, b []byte) error {
	f, err := proto.ParseFinish(b)
	noise := l.half[f.Session]
	if err != nil || noise == nil {
		return err
	}
	delete(l.half, f.Session)
	payload, err := noise.ReadMessage(nil, f.Noise)
	if err != nil {
		return err
	}
	theirs, requests, err := proto.ParseWelcome(payload)
	if err != nil {
		return err
	}
	keys, err := noise.Keys()
	if err != nil {
		return err
	}
	s := newRogueSession(f.Session, proto.KindServerSealed, keys, theirs, l)
	s.conn, s.addr, s.credit = l.conn, from, rogueWindow
	l.sessions[s.id] = s
	for len(requests) > 0 {
		m, rest, err := proto.NextMessage(requests)
		if err != nil || m == nil {
			return err
		}
		if err := l.message(s, m); err != nil {
			return err
		}
		requests = rest
	}
	return nil
}

// message answers as a server does that has one file.
func (l *rogueServer) message(s *rogueSession, m proto.Message) error {
	if l.silent {
		return nil
	}
	switch m := m.(type) {
	case *proto.Open:
		return l.tell(s, &proto.Opened{ID: m.ID, Size: l.size})
	case *proto.Get:
		r := rangeset.Range{Start: m.Range.Start, End: min(m.Range.End, l.size)}
		l.asked.Add(r.Len())
		if l.stalls {
			r.End = min(r.End, r.Start+l.most)
		}
		s.sender.Send(m.ID, r)
	case *proto.Cancel:
		s.sender.Cancel(m.ID)
	case *proto.Drop:
		s.sender.Drop(m.ID, m.Range)
	case *proto.Tree:
		end := min(m.Pieces.End, int64(len(l.pieces)))
		for first := m.Pieces.Start; first < end; first += proto.MaxHashes {
			hashes := l.pieces[first:min(end, first+proto.MaxHashes)]
			if err := l.tell(s, &proto.Hashes{File: m.File, First: first, Hashes: hashes}); err != nil {
				return err
			}
		}
		return l.tell(s, &proto.Root{File: m.File, Root: l.root})
	}
	return nil
}

func (l *rogueServer) tell(s *rogueSession, m proto.Message) error {
	return s.sender.WriteControl(m.Append(nil))
}

// bytes returns what is in the file, or what the server says that is.
func (l *rogueServer) bytes(r rangeset.Range) []byte {
	l.gave.Add(r.Len())
	out := l.content[r.Start:r.End]
	if l.wrongEvery == 0 {
		return out
	}
	piece := (r.End - 1) / tree.PieceBytes
	at := piece*tree.PieceBytes + 12345 // arbitrary
	if piece%l.wrongEvery != 0 || at < r.Start || at >= r.End {
		return out
	}
	l.lies.Add(1)
	out = bytes.Clone(out)
	out[at-r.Start] ^= 1
	return out
}
