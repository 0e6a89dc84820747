package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	// firstRepeat is when an unanswered first message is sent again (RFC 9002
	// section 6.2.2 begins at a second; a first message costs a server little, and
	// most paths answer sooner), nextRepeat when the next one follows: what had no answer
	// by then is likely to be lost, maybe with all that comes soon. lastRepeat is the
	// longest that a message of the handshake waits to be sent again.
	firstRepeat = 250 * time.Millisecond
	nextRepeat  = firstRepeat / 2
	lastRepeat  = 2 * time.Second

	// finishSlack is what a server takes beside round trips to make a session
	// (arbitrary): the third message, whose round trip is known, is sent a second
	// time before it could be answered, in case it is lost or the answer is (Flach
	// et al., SIGCOMM 2013, section 3), and again after one and a half round trips and this.
	finishSlack = 10 * time.Millisecond

	// attemptTime is how long one attempt goes on before the address is looked
	// up anew.
	attemptTime = 10 * time.Second

	// maxRetries is how many cookies one attempt answers at once: a Retry is not
	// authentic, and whoever forges them shall not have Hellos sent for ever. A
	// server that draws a new secret meanwhile gives a second one.
	maxRetries = 4

	// refusedTime is how long a server with the right key is waited for once one with
	// another has answered: whoever sees a Hello can answer it, and before the server
	// does, but not keep the answers to the first five of them from coming, for
	// which there is time on a path by satellite.
	refusedTime = 3 * time.Second

	// maxServerDatagram is the longest datagram that a client takes.
	maxServerDatagram = 65507
)

// backoff is how long a message of the handshake waits for its answer, each time
// that it is sent. Every other wait doubles, up to lastRepeat: what is lost in one
// burst may be all that an idle path carries, so that more of them must follow soon.
type backoff struct {
	first time.Duration // the first of all waits, if it is another; zero if not
	wait  time.Duration
	twice bool // that it was waited for
}

// next returns how long to wait now.
func (b *backoff) next() time.Duration {
	if first := b.first; first > 0 {
		b.first = 0
		return first
	}
	wait := b.wait
	if b.twice {
		b.wait = max(wait, min(2*wait, lastRepeat))
	}
	b.twice = !b.twice
	return wait
}

// errNoAnswer is the outcome of an attempt that heard nothing.
var errNoAnswer = errors.New("no answer")

// handshake is a client's side of the handshake up to its third message.
type handshake struct {
	conn  udp.Conn
	noise *secure.Handshake
	hello proto.Hello // its cookie is that of the last Retry

	answer    []byte // Noise message 2 that was read last
	refused   error  // why an answer was not accepted: ErrKey; nil if none came
	refusedAt time.Time
	versions  []uint16 // what the server is said to speak, if not this one
	said      error    // what the socket failed with: of the way there, by ICMP
	strange   bool     // an answer came that is not to this handshake
	retried   int      // cookies that came
	again     bool     // a cookie waits to be sent
	sent      int      // Hellos with this cookie
	ambiguous bool     // an answer may be to a Hello without it
	started   time.Time
	lastSent  time.Time
}

// accepted is a handshake that the server has answered.
type accepted struct {
	keys    secure.Keys
	welcome proto.Welcome
	finish  []byte  // the third message
	contact contact // of one whose key was not known before
	rtt     time.Duration
	sampled bool // rtt is a sample, not a guess
}

func newHandshake(conn udp.Conn, identity *secure.Identity, psk *secure.PSK) (*handshake, error) {
	h := &handshake{conn: conn, hello: proto.Hello{Version: proto.Version, ID: proto.HelloID(random64())}}
	var err error
	h.noise, err = secure.NewInitiator(secure.HandshakeConfig{Identity: identity, Prologue: h.hello.Prologue(), PSK: psk.Bytes()})
	if err != nil {
		return nil, err
	}
	h.hello.Noise, err = h.noise.WriteMessage(nil, nil)
	return h, err
}

// run sends the Hello until it is answered. trust is asked about the server's key:
// one that it says is ErrKey may be of somebody who only saw the Hello, and other
// answers are waited for. ours is what the server is told, requests are the control
// messages that go with the third message.
func (h *handshake) run(ctx context.Context, trust func(secure.PublicKey) error, ours proto.Welcome, requests []byte) (*accepted, error) {
	stop := context.AfterFunc(ctx, func() { h.conn.SetReadDeadline(time.Now()) })
	defer stop()
	h.started = time.Now()
	wait, msgs := backoff{first: firstRepeat, wait: nextRepeat}, newMessages(1)
	var trouble readTrouble
	for next := h.started; ctx.Err() == nil; {
		now := time.Now()
		if h.refused != nil && now.Sub(h.refusedAt) >= refusedTime {
			return nil, h.refused
		}
		if !now.Before(next) {
			if now.Sub(h.started) > attemptTime {
				break
			}
			h.sent++
			h.lastSent = now
			b := h.hello.Append(nil)
			if err := h.conn.Write(b, len(b), netip.AddrPort{}); err != nil {
				h.said = err
			}
			next = now.Add(wait.next())
		}
		deadline := next
		if h.refused != nil {
			deadline = earlier(next, h.refusedAt.Add(refusedTime))
		}
		h.conn.SetReadDeadline(deadline)
		if ctx.Err() != nil {
			break
		}
		n, err := h.conn.Read(msgs)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			h.said = err
			time.Sleep(trouble.pause(time.Now()))
			continue
		}
		trouble.over()
		for i := range msgs[:n] {
			if a, err := h.hear(&msgs[i], trust, ours, requests); a != nil || err != nil {
				return a, err
			}
		}
		if h.again {
			h.again, next = false, time.Now()
		}
	}
	if h.refused != nil {
		return nil, h.refused
	}
	return nil, h.noAnswer()
}

// hear looks for an answer that is accepted among datagrams.
func (h *handshake) hear(m *udp.Message, trust func(secure.PublicKey) error, ours proto.Welcome, requests []byte) (a *accepted, err error) {
	eachDatagram(m, func(b []byte) {
		if a != nil || err != nil {
			return
		}
		if payload := h.reply(b); payload != nil {
			a, err = h.accept(payload, trust, ours, requests)
		}
		if errors.Is(err, ErrKey) {
			if h.refused == nil {
				h.refusedAt = time.Now()
			}
			h.refused = err
			h.noise, err = h.noise.Again()
		}
	})
	return a, err
}

// noAnswer says what is known of why the server did not answer. All of it may
// be forged.
func (h *handshake) noAnswer() error {
	switch {
	case len(h.versions) > 0:
		return fmt.Errorf("%w: the server speaks protocol versions %v, this program %d", errNoAnswer, h.versions, proto.Version)
	case h.strange:
		return fmt.Errorf("%w that can be read: does the server have this psk_file?", errNoAnswer)
	case errors.Is(h.said, syscall.ECONNREFUSED):
		return fmt.Errorf("%w, and that host says that nothing listens there", errNoAnswer)
	}
	return errNoAnswer
}

// reply takes a datagram and returns the payload of the answer that it is, nil if
// it is none.
func (h *handshake) reply(b []byte) (payload []byte) {
	switch proto.KindOf(b) {
	case proto.KindHelloReply:
		r, err := proto.ParseHelloReply(b)
		if err != nil || r.ID != h.hello.ID || r.Version != proto.Version {
			return nil
		}
		payload, err = h.noise.ReadMessage(nil, r.Noise)
		h.strange = err != nil
		if err == nil {
			h.answer = bytes.Clone(r.Noise)
		}
	case proto.KindVersions:
		if v, err := proto.ParseVersions(b); err == nil && v.ID == h.hello.ID {
			h.versions = v.Versions
		}
	case proto.KindRetry:
		if r, err := proto.ParseRetry(b); err == nil && r.ID == h.hello.ID {
			h.retry(r.Cookie)
		}
	}
	return payload
}

// retry takes a cookie, with which the Hello is sent again: at once, unless that
// has been done often. One that it has already came in answer to a Hello that went
// out before.
func (h *handshake) retry(cookie []byte) {
	if bytes.Equal(cookie, h.hello.Cookie) {
		return
	}
	h.hello.Cookie = bytes.Clone(cookie)
	h.retried++
	h.again = h.retried <= maxRetries
	h.ambiguous = h.ambiguous || h.sent > 1
	h.sent = 0
}

func (h *handshake) accept(payload []byte, trust func(secure.PublicKey) error, ours proto.Welcome, requests []byte) (*accepted, error) {
	// The answer is likely to be the last Hello's. If it was an earlier one's, the
	// round trip is too short, and costs a probe too many.
	key := h.noise.PeerKey()
	if err := trust(key); err != nil {
		return nil, err
	}
	a := &accepted{rtt: max(time.Since(h.lastSent), time.Microsecond), sampled: h.sent == 1 && !h.ambiguous}
	ours.RTT = a.rtt
	var rest []byte
	var err error
	if a.welcome, rest, err = proto.ParseWelcome(payload); err != nil || len(rest) > 0 || a.welcome.Session == 0 {
		return nil, violation(errors.New("malformed welcome"))
	}
	if a.welcome.MaxDatagram < baseDatagram {
		return nil, violation(fmt.Errorf("server takes datagrams of %d bytes only", a.welcome.MaxDatagram))
	}
	a.contact = contact{hello: h.hello.ID, key: key, answer: h.answer, until: time.Now().Add(refusedTime)}
	if a.contact.unread, err = h.noise.Again(); err != nil {
		return nil, err
	}
	msg, err := h.noise.WriteMessage(nil, append(ours.Append(nil), requests...))
	if err != nil {
		return nil, err
	}
	f := proto.Finish{Session: a.welcome.Session, Noise: msg}
	a.finish = f.Append(nil)
	a.keys, err = h.noise.Keys()
	return a, err
}
