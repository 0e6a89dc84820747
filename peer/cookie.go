package peer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/netip"
	"time"
)

const (
	// cookieSlot is how long one secret makes cookies; those of the previous one
	// are still taken, so that a cookie lives one to two slots. A client uses it
	// within a round trip; WireGuard's lives two minutes as well (whitepaper,
	// section 5.4.7).
	cookieSlot = time.Minute

	// cookieTag is the length of a cookie's MAC: 2^-128 for each guess.
	cookieTag = 16
	cookieLen = 4 + cookieTag
)

// cookieJar makes cookies and recognizes them: a proof that whoever sends one
// gets what is sent to its address, for which the server remembers nothing of that
// address (RFC 9000, section 8.1.2). A cookie is
//
//	slot 4  tag 16
//
// where tag is HMAC-SHA256 over slot, address and port with the slot's secret,
// cut short. It belongs to one goroutine at a time.
type cookieJar struct {
	start     time.Time
	slot      uint32
	now, last hash.Hash // HMACs of this slot's secret and of the previous one's
}

func newCookieJar(now time.Time) *cookieJar {
	return &cookieJar{start: now, now: newSecret(), last: newSecret()}
}

func newSecret() hash.Hash {
	var secret [sha256.Size]byte
	rand.Read(secret[:])
	return hmac.New(sha256.New, secret[:])
}

// rotate draws new secrets when it is time to.
func (j *cookieJar) rotate(now time.Time) {
	slot := uint32(max(0, now.Sub(j.start)) / cookieSlot)
	switch {
	case slot <= j.slot:
		return
	case slot == j.slot+1:
		j.last = j.now
	default:
		j.last = newSecret()
	}
	j.slot, j.now = slot, newSecret()
}

// make appends a cookie for addr to dst.
func (j *cookieJar) make(now time.Time, addr netip.AddrPort, dst []byte) []byte {
	j.rotate(now)
	return j.append(dst, j.now, j.slot, addr)
}

// valid reports whether cookie was made for addr, and not long ago. It computes
// one MAC at most.
func (j *cookieJar) valid(now time.Time, addr netip.AddrPort, cookie []byte) bool {
	if len(cookie) != cookieLen {
		return false
	}
	j.rotate(now)
	secret, slot := j.now, binary.BigEndian.Uint32(cookie)
	switch {
	case slot == j.slot:
	case slot+1 == j.slot:
		secret = j.last
	default:
		return false
	}
	var space [cookieLen]byte
	return hmac.Equal(cookie, j.append(space[:0], secret, slot, addr))
}

func (j *cookieJar) append(dst []byte, secret hash.Hash, slot uint32, addr netip.AddrPort) []byte {
	var bound [4 + 16 + 2]byte
	binary.BigEndian.PutUint32(bound[:], slot)
	ip := addr.Addr().As16() // of an IPv4 address too: none is another's
	copy(bound[4:], ip[:])
	binary.BigEndian.PutUint16(bound[20:], addr.Port())
	secret.Reset()
	secret.Write(bound[:])
	var sum [sha256.Size]byte
	dst = append(dst, bound[:4]...)
	return append(dst, secret.Sum(sum[:0])[:cookieTag]...)
}
