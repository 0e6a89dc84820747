package secure

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/flynn/noise"
)

// PSKLen is the length of a pre-shared key in bytes (Noise revision 34, section 9.1).
const PSKLen = 32

const (
	tagLen   = 16 // bytes AES-GCM adds, Noise revision 34, section 4.2
	messages = 3  // of the XX pattern, Noise revision 34, section 7.5
)

// ErrOutOfTurn reports a message read or written when it is the other side's
// turn: a repetition of an earlier one, as a rule. Nothing has changed.
var ErrOutOfTurn = errors.New("handshake message out of turn")

// ErrSpoiled reports a message 3 that is ErrNotAuthentic, though its beginning is
// from the initiator of this very handshake: it was made by that, or from the
// genuine one. To find it out costs a Diffie-Hellman exchange, other forgeries none.
var ErrSpoiled = errors.New("only its beginning is genuine")

// HandshakeConfig says who takes part in a handshake, and on what terms.
type HandshakeConfig struct {
	redacted
	Identity *Identity // this side's static key; required
	Prologue []byte    // what both sides must agree on already, the protocol's version say; may be nil
	PSK      []byte    // nil, or the PSKLen bytes that both sides must have
	Rand     io.Reader // of the ephemeral key; crypto/rand.Reader if nil
}

// Validate reports everything that is wrong with c.
func (c *HandshakeConfig) Validate() error {
	var errs []error
	if c.Identity == nil {
		errs = append(errs, errors.New("handshake needs an identity"))
	}
	if n := len(c.PSK); n != 0 && n != PSKLen {
		errs = append(errs, fmt.Errorf("pre-shared key has %d bytes; it needs %d", n, PSKLen))
	}
	return errors.Join(errs...)
}

// Keys is what a completed handshake leaves: the secrets of a Sealer and an
// Opener, and a value that no other session has.
type Keys struct {
	redacted
	Send    [32]byte // secret of the datagrams this side seals
	Receive [32]byte // secret of those the peer seals
	Binding [32]byte // handshake hash, the same on both sides; not secret (Noise revision 34, section 11.2)
}

type role int

const (
	initiator role = iota // writes messages 1 and 3
	responder             // writes message 2
)

// Handshake is one side of a Noise XX handshake; see the package comment for the order of calls.
type Handshake struct {
	redacted
	state  *noise.HandshakeState // nil once done
	dh     *rejectingDH
	role   role
	psk    bool
	first  *opening // an initiator's
	peer   PublicKey
	keys   Keys
	broken error // why a message could not be written: nothing can follow
}

// opening is what message 1 is made of: who has it can make the same once more.
type opening struct {
	redacted
	config    HandshakeConfig
	ephemeral [keyLen]byte // private
	payload   []byte
}

// NewInitiator returns the side that writes messages 1 and 3.
func NewInitiator(c HandshakeConfig) (*Handshake, error) { return newHandshake(c, initiator) }

// NewResponder returns the side that writes message 2.
func NewResponder(c HandshakeConfig) (*Handshake, error) { return newHandshake(c, responder) }

func newHandshake(c HandshakeConfig, side role) (*Handshake, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	var first *opening
	if side == initiator {
		first = &opening{config: c}
		random := c.Rand
		if random == nil {
			random = rand.Reader
		}
		if _, err := io.ReadFull(random, first.ephemeral[:]); err != nil {
			return nil, fmt.Errorf("draw an ephemeral key: %w", err)
		}
		c.Rand = bytes.NewReader(first.ephemeral[:])
	}
	dh := &rejectingDH{DHFunc: noise.DH25519}
	state, err := noise.NewHandshakeState(noise.Config{
		CipherSuite:           noise.NewCipherSuite(dh, noise.CipherAESGCM, noise.HashSHA256),
		Random:                c.Rand,
		Pattern:               noise.HandshakeXX,
		Initiator:             side == initiator,
		Prologue:              c.Prologue,
		PresharedKey:          c.PSK,
		PresharedKeyPlacement: 0, // psk0: who lacks the key is not even answered
		StaticKeypair:         c.Identity.keypair(),
	})
	if err != nil {
		return nil, fmt.Errorf("start handshake: %w", err)
	}
	return &Handshake{state: state, dh: dh, role: side, psk: len(c.PSK) > 0, first: first}, nil
}

// Again returns an initiator as h was when it had written message 1: another
// message 2 than the one that h has read can be read with it. It holds the ephemeral
// key for as long as it is kept. h must have written message 1, and not be done.
func (h *Handshake) Again() (*Handshake, error) {
	if h.first == nil {
		return nil, ErrOutOfTurn
	}
	c := h.first.config
	c.Rand = bytes.NewReader(h.first.ephemeral[:])
	again, err := newHandshake(c, initiator)
	if err == nil {
		_, err = again.WriteMessage(nil, h.first.payload)
	}
	return again, err
}

// WriteMessage appends this side's next message, with payload in it, to dst,
// which must not overlap payload. After any error but ErrOutOfTurn the
// Handshake is of no more use.
func (h *Handshake) WriteMessage(dst, payload []byte) ([]byte, error) {
	if h.broken != nil {
		return nil, h.broken
	}
	if !h.writesNext() {
		return nil, ErrOutOfTurn
	}
	if len(payload) > noise.MaxMsgLen-h.MessageOverhead() {
		h.broken = fmt.Errorf("handshake payload of %d bytes is too long", len(payload))
		return nil, h.broken
	}
	opens := h.first != nil && h.state.MessageIndex() == 0
	out, first, second, err := h.state.WriteMessage(dst, payload)
	if err != nil {
		h.broken = fmt.Errorf("write handshake message: %w", err)
		return nil, h.broken
	}
	if opens {
		h.first.payload = bytes.Clone(payload)
	}
	h.finish(first, second)
	return out, nil
}

// ReadMessage appends the payload of the peer's next message to dst, which
// must not overlap msg. After an error, ErrOutOfTurn or ErrNotAuthentic, the
// Handshake is as it was, and the genuine message can still be read. One that is
// ErrSpoiled is ErrNotAuthentic as well.
func (h *Handshake) ReadMessage(dst, msg []byte) ([]byte, error) {
	if h.broken != nil {
		return nil, h.broken
	}
	if h.Done() || h.writesNext() {
		return nil, ErrOutOfTurn
	}
	if len(msg) < h.MessageOverhead() || len(msg) > noise.MaxMsgLen {
		return nil, h.notAuthentic() // here, as the library does not undo what it did before it met the end
	}
	// The library restores the chaining key and the hash, in place, when
	// decryption fails, but not the cipher and its nonce: a message 3 with the
	// peer's static key and a forged payload would leave those of its second
	// half. The copy restores the rest.
	before := *h.state
	h.dh.reading, h.dh.computed = true, false
	out, first, second, err := h.state.ReadMessage(dst, msg)
	h.dh.reading = false
	if err != nil {
		*h.state = before
		err := h.notAuthentic()
		if h.dh.computed && h.state.MessageIndex() == messages-1 { // which begins with what decrypts without
			err = fmt.Errorf("%w: %w", err, ErrSpoiled)
		}
		return nil, err
	}
	if key := h.state.PeerStatic(); len(key) == keyLen {
		h.peer = PublicKey(key)
	}
	h.finish(first, second)
	return out, nil
}

// MessageOverhead returns how many bytes longer than its payload the next
// message is, 0 when done.
func (h *Handshake) MessageOverhead() int {
	if h.Done() {
		return 0
	}
	switch h.state.MessageIndex() {
	case 0: // e, payload; the payload is sealed only with a key, and only a pre-shared one is there yet
		if h.psk {
			return keyLen + tagLen
		}
		return keyLen
	case 1: // e, sealed s, sealed payload
		return keyLen + keyLen + tagLen + tagLen
	default: // sealed s, sealed payload
		return keyLen + tagLen + tagLen
	}
}

// Done reports whether all messages have been written and read.
func (h *Handshake) Done() bool { return h.state == nil }

// PeerKey returns the peer's static key, which the peer has proved to own once
// the message is read that carries it: message 2 for an initiator, 3 for a
// responder. It is zero before.
func (h *Handshake) PeerKey() PublicKey { return h.peer }

// Keys returns the keys of the session. It fails before the handshake is done.
func (h *Handshake) Keys() (Keys, error) {
	if !h.Done() {
		return Keys{}, errors.New("the handshake is not done")
	}
	return h.keys, nil
}

func (h *Handshake) writesNext() bool {
	return !h.Done() && role(h.state.MessageIndex()%2) == h.role
}

func (h *Handshake) notAuthentic() error {
	return fmt.Errorf("handshake message %d of %d: %w", h.state.MessageIndex()+1, messages, ErrNotAuthentic)
}

// finish takes the two keys that the last message yields.
func (h *Handshake) finish(fromInitiator, fromResponder *noise.CipherState) {
	if fromInitiator == nil {
		return
	}
	h.keys = Keys{Send: fromInitiator.UnsafeKey(), Receive: fromResponder.UnsafeKey(), Binding: [32]byte(h.state.ChannelBinding())}
	if h.role == responder {
		h.keys.Send, h.keys.Receive = h.keys.Receive, h.keys.Send
	}
	h.state, h.first = nil, nil // the ephemeral key must not outlive the handshake
}
