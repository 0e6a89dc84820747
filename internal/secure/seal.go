package secure

import (
	"fmt"
	"math"
)

// Overhead is how many bytes longer a sealed datagram is than its plaintext:
// the AES-GCM tag (RFC 5116 section 5.2).
const Overhead = 16

// What may be sealed under one key. AES-GCM allows 2^35 blocks of 16 bytes, that
// is 2^23 packets where one may have 2^16 bytes (RFC 9001 section 6.6 and
// appendix B.1.1). A Sealer updates at half of the packets and a quarter of the
// bytes, which costs nothing, one update per 4 million. Where the peer does not
// let it, it is spent a few bursts before the end.
const (
	sealPackets  = 1 << 22
	sealBytes    = 1 << 37
	spentPackets = 1<<23 - 1<<10
	spentBytes   = 1<<39 - 1<<26
)

// Phases is what phases are counted modulo: a header has 4 bits for it.
const Phases = 16

func nextPhase(p uint8) uint8 { return (p + 1) % Phases }

// Sealer seals one direction's datagrams.
type Sealer struct {
	redacted
	key       phaseKey
	secret    [32]byte // of the present phase
	phase     uint8
	limit     uint64 // packets under one key
	sealed    uint64 // packets under the present key
	bytes     uint64 // the same, with their headers
	first     uint64 // lowest packet number of the present phase
	confirmed bool   // the peer has opened one of the present phase
	next      uint64 // lowest packet number not refused
	nonce     [ivLen]byte
}

// NewSealer returns a Sealer in phase 0. It seals limit packets under one key,
// 1<<22 if 0; only tests need less.
func NewSealer(secret [32]byte, limit uint64) *Sealer {
	if limit == 0 {
		limit = sealPackets
	}
	return &Sealer{key: newPhaseKey(secret), secret: secret, limit: limit}
}

// Phase returns the phase, below Phases, that the header of the next datagram must carry. It
// changes only in Seal, as Seal returns, and in Advance: write a header after the
// datagram before it is sealed, not earlier.
func (s *Sealer) Phase() uint8 { return s.phase }

// Seal appends the sealed plaintext to dst, Overhead bytes longer. It works in
// place with dst = plaintext[:0]; otherwise dst must overlap neither header nor
// plaintext. It allocates nothing where dst has room, but for the key update
// once every limit packets.
//
// Packet numbers must grow from call to call; gaps are allowed. Seal panics
// when one does not, since a nonce used twice gives the plaintext and the
// authentication key away (NIST SP 800-38D appendix A).
func (s *Sealer) Seal(dst, header, plaintext []byte, pn uint64) []byte {
	if pn < s.next || pn == math.MaxUint64 {
		panic(fmt.Sprintf("BUG: packet number %d sealed where %d is the lowest left", pn, s.next))
	}
	s.next = pn + 1
	s.key.nonce(&s.nonce, pn)
	s.sealed++
	s.bytes += uint64(len(header) + len(plaintext))
	out := s.key.aead.Seal(dst, s.nonce[:], plaintext, header)
	if s.confirmed && s.worn() {
		s.update()
	}
	return out
}

// Confirm notes that the peer has opened the datagram pn. Once it has opened one
// of the present phase it can follow the next update, and not before (RFC 9001
// section 6.1): an Opener follows one update at a time.
func (s *Sealer) Confirm(pn uint64) { s.confirmed = s.confirmed || pn >= s.first && pn < s.next }

// Due reports that the key has sealed enough, and that its update waits for
// Confirm: ask the peer for an answer.
func (s *Sealer) Due() bool { return !s.confirmed && s.worn() }

func (s *Sealer) worn() bool { return s.sealed >= s.limit || s.bytes >= sealBytes }

// Spent reports that the key must not seal another burst: the session must end.
func (s *Sealer) Spent() bool { return s.sealed >= spentPackets || s.bytes >= spentBytes }

// update moves on by itself.
func (s *Sealer) update() { s.Advance(nextSecret(s.secret)) }

// Advance moves on to the next phase, with the secret that the two sides have
// agreed on for it.
func (s *Sealer) Advance(secret [32]byte) {
	s.secret = secret
	s.key = newPhaseKey(secret)
	s.phase = nextPhase(s.phase)
	s.sealed, s.bytes = 0, 0
	s.first, s.confirmed = s.next, false
}
