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

// quota counts sessions by who has them.
type quota struct {
	byAddr map[netip.Addr]int
	byKey  map[secure.PublicKey]int
	total  int
}

func newQuota() *quota {
	return &quota{byAddr: map[netip.Addr]int{}, byKey: map[secure.PublicKey]int{}}
}

// take counts one more session, or returns the limit that it would break.
func (q *quota) take(addr netip.Addr, key secure.PublicKey) *proto.Close {
	switch {
	case q.total >= maxServed:
		return &proto.Close{Code: proto.CloseBusy, Reason: "too many sessions"}
	case q.byAddr[addr] >= maxServedAddr:
		return &proto.Close{Code: proto.CloseBusy, Reason: "too many sessions from this address"}
	case q.byKey[key] >= maxServedKey:
		return &proto.Close{Code: proto.CloseBusy, Reason: "too many sessions with this key"}
	}
	q.total++
	q.byAddr[addr]++
	q.byKey[key]++
	return nil
}

// give counts one session less.
func (q *quota) give(addr netip.Addr, key secure.PublicKey) {
	q.total--
	holder{addr, key}.subtract(q.byAddr, q.byKey)
}
