package secure

import (
	"fmt"
	"math"
)

// Overhead is how many bytes longer a sealed datagram is than its plaintext:
// the AES-GCM tag (RFC 5116 section 5.2).
const Overhead = 16

// defaultSealLimit is the most packets a Sealer seals under one key. AES-GCM
// allows 2^23 where a packet may have 2^16 bytes (RFC 9001 section 6.6 and
// appendix B.1.1); half of it costs nothing, one key update per 4 million.
const defaultSealLimit = 1 << 22

// Sealer seals one direction's datagrams.
type Sealer struct {
	redacted
	key    phaseKey
	secret [32]byte // of the present phase
	phase  uint8
	limit  uint64
	sealed uint64 // packets under the present key
	next   uint64 // lowest packet number not refused
	nonce  [ivLen]byte
}

// NewSealer returns a Sealer in phase 0. It seals limit packets under one key,
// 1<<22 if 0; only tests need less.
func NewSealer(secret [32]byte, limit uint64) *Sealer {
	if limit == 0 {
		limit = defaultSealLimit
	}
	return &Sealer{key: newPhaseKey(secret), secret: secret, limit: limit}
}

// Phase returns the byte that the header of the next datagram must carry. It
// changes only in Seal, as Seal returns, and in Update: write a header after
// the datagram before it is sealed, not earlier.
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
	out := s.key.aead.Seal(dst, s.nonce[:], plaintext, header)
	s.sealed++
	if s.sealed >= s.limit {
		s.Update()
	}
	return out
}

// Update moves on to the next phase. Whoever calls it must have seen the peer
// answer a datagram of the present phase (RFC 9001 section 6.1): an Opener
// follows one update at a time.
func (s *Sealer) Update() {
	s.secret = nextSecret(s.secret)
	s.key = newPhaseKey(s.secret)
	s.phase++
	s.sealed = 0
}
