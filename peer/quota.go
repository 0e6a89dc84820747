package peer

import (
	"net/netip"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

const (
	// maxServed bounds the sessions of a server. An idle one holds some 20 KiB, and all
	// that waits in them draws from commons (commons.go).
	maxServed = 10000

	// maxServedAddr and maxServedKey bound those of one address (an IPv4 address
	// or an IPv6 /64) and of one client's key: eight and four fetches with
	// MaxSessions each. Behind one address may be many clients.
	maxServedAddr = 2048
	maxServedKey  = 1024
)

// holder is whom a session is counted to.
type holder struct {
	addr netip.Addr // as site returns it
	key  secure.PublicKey
}

// subtract counts one less.
func (h holder) subtract(byAddr map[netip.Addr]int, byKey map[secure.PublicKey]int) {
	if byAddr[h.addr]--; byAddr[h.addr] == 0 {
		delete(byAddr, h.addr)
	}
	if byKey[h.key]--; byKey[h.key] == 0 {
		delete(byKey, h.key)
	}
}

// allTaken is the reason of a refusal which another session's end would change.
const allTaken = "too many sessions"

// quota counts sessions by who has them.
type quota struct {
	most   int // of all
	byAddr map[netip.Addr]int
	byKey  map[secure.PublicKey]int
	total  int

	evictions tokenBucket // sessions that may make room for others
}

func newQuota() *quota {
	return &quota{
		most: maxServed, byAddr: map[netip.Addr]int{}, byKey: map[secure.PublicKey]int{},
		evictions: tokenBucket{perSec: evictionsPerSec, most: evictions},
	}
}

// take counts one more session, or returns the limit that it would break.
func (q *quota) take(addr netip.Addr, key secure.PublicKey) *proto.Close {
	switch {
	case q.byAddr[addr] >= maxServedAddr:
		return &proto.Close{Code: proto.CloseBusy, Reason: "too many sessions from this address"}
	case q.byKey[key] >= maxServedKey:
		return &proto.Close{Code: proto.CloseBusy, Reason: "too many sessions with this key"}
	case q.total >= q.most:
		return &proto.Close{Code: proto.CloseBusy, Reason: allTaken}
	}
	q.total++
	q.byAddr[addr]++
	q.byKey[key]++
	return nil
}

// busiest returns the address with most sessions.
func (q *quota) busiest() (addr netip.Addr, most int) {
	for a, n := range q.byAddr {
		if n > most {
			addr, most = a, n
		}
	}
	return addr, most
}

// give counts one session less.
func (q *quota) give(addr netip.Addr, key secure.PublicKey) {
	q.total--
	holder{addr, key}.subtract(q.byAddr, q.byKey)
}
