package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// rogueClient is a client made by hand. It makes its handshake, asks, and then is
// like any other but for what its fields say.
type rogueClient struct {
	credit uint32        // that it gives
	gets   int           // how often it asks for the whole file
	mute   bool          // it acknowledges nothing
	pings  time.Duration // it shows that it is there as often as that; 0: it does not
	gone   bool          // it reads nothing once the server has what it asks for

	conn udp.Conn
	msgs []udp.Message
	*rogueSession
}

// The ids of what a rogueClient asks for: the file, and the first of its Gets.
const (
	rogueFile proto.ID = 1
	rogueGet  proto.ID = 2
)

func (c *rogueClient) message(*rogueSession, proto.Message) error { return nil }
func (c *rogueClient) bytes(rangeset.Range) []byte                { panic("a client has no file") }

// join makes the handshake with a server, and asks for the file.
func (c *rogueClient) join(server netip.AddrPort) error {
	var err error
	if c.conn, err = udp.Dial(server, udp.Options{}); err != nil {
		return err
	}
	c.msgs = []udp.Message{{Buf: make([]byte, udp.MaxRead)}}
	hello := proto.Hello{Version: proto.Version, ID: proto.HelloID(time.Now().UnixNano())}
	id, err := secure.NewIdentity(nil)
	if err != nil {
		return err
	}
	noise, err := secure.NewInitiator(secure.HandshakeConfig{Identity: id, Prologue: hello.Prologue()})
	if err != nil {
		return err
	}
	if hello.Noise, err = noise.WriteMessage(nil, nil); err != nil {
		return err
	}
	var welcome proto.Welcome
	err = c.exchange(hello.Append(nil), func(b []byte) (done bool, err error) {
		r, err := proto.ParseHelloReply(b)
		if err != nil {
			return false, err
		}
		payload, err := noise.ReadMessage(nil, r.Noise)
		if err == nil {
			welcome, _, err = proto.ParseWelcome(payload)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	ours := proto.Welcome{Session: welcome.Session, Credit: c.credit, MaxDatagram: rogueDatagram}
	finish := proto.Finish{Session: welcome.Session}
	if finish.Noise, err = noise.WriteMessage(nil, ours.Append(nil)); err != nil {
		return err
	}
	keys, err := noise.Keys()
	if err != nil {
		return err
	}
	c.rogueSession = newRogueSession(welcome.Session, proto.KindClientSealed, keys, welcome, c)
	s := c.rogueSession
	s.conn, s.addr, s.credit, s.mute = c.conn, server, c.credit, c.mute
	if s.kem, err = secure.NewKEM(); err != nil {
		return err
	}
	c.write(finish.Append(nil), udp.MaxRead)
	err = c.exchange(s.seal(nil, &proto.KEMKey{Key: s.kem.Key()}), func(b []byte) (bool, error) {
		err := s.handle(time.Now(), b)
		return s.mixed, err
	})
	if err != nil {
		return err
	}
	return c.ask()
}

// ask asks for the file, as often as the client does.
func (c *rogueClient) ask() error {
	if err := c.tell(&proto.Open{ID: rogueFile, Name: fileName}); err != nil {
		return err
	}
	for i := range c.gets {
		get := proto.Get{ID: rogueGet + proto.ID(i), File: rogueFile, Range: rangeset.Range{End: proto.MaxGetBytes}}
		if err := c.tell(&get); err != nil {
			return err
		}
	}
	c.flush(time.Now())
	return nil
}

func (c *rogueClient) tell(m proto.Message) error { return c.sender.WriteControl(m.Append(nil)) }

// exchange sends a datagram of the handshake until what comes has been handled,
// once on loopback.
func (c *rogueClient) exchange(b []byte, handle func([]byte) (done bool, err error)) error {
	for range 20 {
		if err := c.conn.Write(b, len(b), netip.AddrPort{}); err != nil {
			return err
		}
		done, err := c.read(time.Now().Add(time.Second), handle)
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("no answer to the handshake of a client made by hand")
}

// read handles what comes until it is done, or until the deadline.
func (c *rogueClient) read(deadline time.Time, handle func([]byte) (done bool, err error)) (bool, error) {
	c.conn.SetReadDeadline(deadline)
	for {
		n, err := c.conn.Read(c.msgs)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		for _, m := range c.msgs[:n] {
			for start := 0; start < m.N; start += m.Segment {
				if done, err := handle(m.Buf[start:min(start+m.Segment, m.N)]); done || err != nil {
					return done, err
				}
			}
		}
	}
}

// live does as the client does until stop is closed, or its session, or it is gone.
func (c *rogueClient) live(stop <-chan struct{}) error {
	pinged := time.Now()
	for c.closed == nil && !(c.gone && c.sender.Idle()) {
		select {
		case <-stop:
			return nil
		default:
		}
		now := time.Now()
		if c.pings > 0 && now.Sub(pinged) >= c.pings {
			pinged = now
			if err := c.tell(&proto.Ping{}); err != nil {
				return err
			}
		}
		c.flush(now)
		next := now.Add(100 * time.Millisecond) // to look at stop and pings
		if at := c.nextTimeout(); !at.IsZero() && at.Before(next) {
			next = at
		}
		_, err := c.read(next, func(b []byte) (bool, error) { return true, c.handle(time.Now(), b) })
		if err != nil {
			return err
		}
	}
	return nil
}
