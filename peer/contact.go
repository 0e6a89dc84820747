package peer

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// maxAnswers is how many further answers to one Hello are read: some 10 ms of a
// core. There may be as many as the Hello was repeated, and what others inject.
const maxAnswers = 64

var (
	errTwoKeys     = errors.New("two servers answer, with different keys: pin the right one")
	errManyAnswers = errors.New("more answers came than one server gives")
)

// contact is the first with a server of which no key is known. Whoever sees the
// Hello can answer it with a key of his own, and nothing tells which is the
// server's; but he cannot keep the server from answering too.
type contact struct {
	hello  proto.HelloID
	key    secure.PublicKey  // that was accepted
	answer []byte            // Noise message 2 of the answer that was
	unread *secure.Handshake // reads another; nil once none is listened to
	until  time.Time         // when none is any more

	read       int
	doubt      error // what speaks against the key
	remembered bool
}

// hear takes an answer to the Hello. An error is a doubt about the key.
func (x *contact) hear(b []byte) error {
	r, err := proto.ParseHelloReply(b)
	if err != nil || x.unread == nil || r.ID != x.hello || bytes.Equal(r.Noise, x.answer) {
		return nil
	}
	if x.read++; x.read > maxAnswers {
		return errManyAnswers
	}
	if _, err := x.unread.ReadMessage(nil, r.Noise); err != nil {
		return nil // it is no answer
	}
	key := x.unread.PeerKey()
	if x.unread, err = x.unread.Again(); err != nil {
		return err
	}
	if key == x.key { // the server had forgotten the first by then
		return nil
	}
	return fmt.Errorf("%w: %v and %v", errTwoKeys, x.key, key)
}

// heardAnswer takes an answer to a Hello that has been answered. Two keys end the
// session before it carries anything, to try again; later it goes on, with a server
// that is believed for this fetch and not remembered.
func (c *clientSession) heardAnswer(b []byte) error {
	err := c.contact.hear(b)
	if err == nil || !c.mixed && errors.Is(err, errTwoKeys) {
		return err
	}
	c.contact.unread, c.contact.doubt = nil, err
	c.fetch.doubt(c.peer, c.contact)
	return nil
}

// met takes note that the server has proven, by what only it can have sealed, to be
// the owner of its key. Only now is the key remembered: an answer alone can come
// from anybody.
func (f *Fetch) met(p *peerState, x *contact, key secure.PublicKey) error {
	if err := f.rememberKey(p, x); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.met == nil {
		p.met = &key
		if p.state != Out { // else another session of its may have found it out
			p.err = nil
		}
	}
	if *p.met != key {
		return keyChanged(p.Addr, *p.met, key)
	}
	return nil
}

// rememberKey keeps the key of a first contact for fetches to come, unless there is
// a doubt about it.
func (f *Fetch) rememberKey(p *peerState, x *contact) error {
	if x == nil || x.doubt != nil || f.opt.Known == nil {
		return nil
	}
	err := f.opt.Known.Remember(p.Addr, x.key, time.Now())
	if changed := (*secure.KeyChangedError)(nil); errors.As(err, &changed) {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	if err != nil { // as ssh does: it is this host that cannot, and the key is the one that answered
		f.log.Warn("the server's key is not remembered: name it, as HOST:PORT#KEY, or have known_peers be writable",
			zap.String("peer", p.Addr), zap.Stringer("key", x.key), zap.Error(err))
		return nil
	}
	x.remembered = true
	f.log.Info("first contact: key remembered", zap.String("peer", p.Addr), zap.Stringer("key", x.key))
	return nil
}

// doubt has a key forgotten that was remembered at this contact.
func (f *Fetch) doubt(p *peerState, x *contact) {
	f.log.Warn("the server's key is not remembered", zap.String("peer", p.Addr), zap.Error(x.doubt))
	if !x.remembered || f.opt.Known.Check(p.Addr, x.key) != nil {
		return
	}
	x.remembered = false
	if err := f.opt.Known.Forget(p.Addr); err != nil && !errors.Is(err, secure.ErrUnknownPeer) {
		f.log.Warn("the server's key is still remembered", zap.String("peer", p.Addr), zap.Error(err))
	}
}

// distrust notes that somebody has answered with another key than the peer's. It may
// not have been the peer.
func (f *Fetch) distrust(p *peerState, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if note := err.Error(); p.sessions == 0 && p.state != Out && p.note != note {
		p.state, p.err, p.note = Down, err, note
		f.log.Warn("an answer with another key is not believed", zap.String("peer", p.Addr), zap.Error(err))
	}
}
