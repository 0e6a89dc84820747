package secure

import (
	"errors"
	"math"
)

// maxFailed is how many datagrams may fail to authenticate in a session.
// AES-GCM allows 2^52 where a packet may have 2^16 bytes (RFC 9001 section 6.6
// and appendix B.1.2). 2^36 is far below that, and no session gets there by
// accident: it takes 18 hours of 1,200-byte forgeries at 10 Gbit/s.
const maxFailed = 1 << 36

// What Open fails with. None of them changes anything but the count of
// failures, and none is worth an answer to the sender.
var (
	ErrReplayed      = errors.New("packet number seen before, or too old to tell")
	ErrNotAuthentic  = errors.New("not authentic")
	ErrTooManyForged = errors.New("too many forged datagrams; the session must end")
)

// Opener opens the datagrams that the peer's Sealer sealed, in any order, each once.
type Opener struct {
	redacted
	previous, current, next phaseKey // previous.aead is nil in the first phase, next.aead while it is not agreed on
	secret                  [32]byte // of the next phase
	phase                   uint8    // of current
	updates                 uint64   // so far
	lowest                  uint64   // packet number opened with current
	window                  replayWindow
	failed                  uint64
	nonce                   [ivLen]byte
}

// NewOpener returns an Opener in phase 0. It stays there until Expect.
func NewOpener(secret [32]byte) *Opener {
	return &Opener{current: newPhaseKey(secret), lowest: math.MaxUint64}
}

// Expect tells the secret that the two sides have agreed on for the next phase.
// Those of the phases after it follow from it.
func (o *Opener) Expect(secret [32]byte) {
	o.secret = secret
	o.next = newPhaseKey(secret)
}

// Updates returns how many updates came before a phase, that of a datagram that
// Open has just opened.
func (o *Opener) Updates(phase uint8) uint64 { return o.updates - uint64((o.phase-phase)%Phases) }

// Failed returns how many datagrams were found not to be authentic by decrypting them.
func (o *Opener) Failed() uint64 { return o.failed }

// Highest returns the highest packet number that has been opened.
func (o *Opener) Highest() uint64 { return o.window.top }

// Open appends what Seal was given to dst; phase and pn are what the header
// says. It works in place with dst = ciphertext[:0]; otherwise dst must overlap
// neither header nor ciphertext. A datagram that is not authentic may have lost
// its contents when opened in place.
//
// It accepts the present phase, the next one, to which it then moves on, and
// the previous one for datagrams that were overtaken. It allocates nothing
// where dst has room, but when it moves on.
func (o *Opener) Open(dst, header, ciphertext []byte, phase uint8, pn uint64) ([]byte, error) {
	if o.failed >= maxFailed {
		return nil, ErrTooManyForged
	}
	if !o.window.fresh(pn) {
		return nil, ErrReplayed
	}
	key := o.keyOf(phase, pn)
	if key == nil {
		return nil, ErrNotAuthentic
	}
	key.nonce(&o.nonce, pn)
	out, err := key.aead.Open(dst, o.nonce[:], ciphertext, header)
	if err != nil {
		o.failed++
		return nil, ErrNotAuthentic
	}
	if key == &o.next {
		o.moveOn()
	}
	if phase == o.phase {
		o.lowest = min(o.lowest, pn)
	}
	o.window.mark(pn)
	return out, nil
}

// keyOf returns the key that a datagram would be sealed with, nil if there is
// none. A later phase goes with higher packet numbers (RFC 9001 section 6.4):
// an old key that got out must not speak for what comes after it.
func (o *Opener) keyOf(phase uint8, pn uint64) *phaseKey {
	switch {
	case phase == o.phase:
		return &o.current
	case phase == nextPhase(o.phase) && pn > o.window.top && o.next.aead != nil:
		return &o.next
	case nextPhase(phase) == o.phase && pn < o.lowest && o.previous.aead != nil:
		return &o.previous
	}
	return nil
}

// moveOn follows the peer to the next phase. The keys of the one after it are
// derived now, and not when a datagram claims that phase, so that the time Open
// takes tells a forger nothing (RFC 9001 section 6.3).
func (o *Opener) moveOn() {
	o.previous, o.current = o.current, o.next
	o.secret = nextSecret(o.secret)
	o.next = newPhaseKey(o.secret)
	o.phase = nextPhase(o.phase)
	o.updates++
	o.lowest = math.MaxUint64
}
