package peer

import (
	"net/netip"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/secure"
)

const (
	// maxKnownPaths bounds the paths that a server remembers, some 100 bytes each
	// (arbitrary). Who is to be remembered has fetched enough for its path to be
	// known.
	maxKnownPaths = 1024

	// knownPathTime is how long they are believed: as long as conditions of a path
	// mostly last (arbitrary; draft-ietf-tsvwg-careful-resume leaves it open).
	knownPathTime = 10 * time.Minute
)

// knownPaths remembers what the fetches of before have found out about the paths to
// their clients. It belongs to whoever holds the lock of paths.
type knownPaths map[knownPathKey]knownPath

// knownPathKey names the two ends of a path. Who has not the key of a client cannot have
// the server believe something of that client's path.
type knownPathKey struct {
	client secure.PublicKey
	addr   netip.Addr
}

type knownPath struct {
	arq.KnownPath
	at time.Time // when it was left
}

// put remembers what cc has found out; if that is nothing, what is known already.
func (k knownPaths) put(key knownPathKey, cc arq.Controller, now time.Time) {
	m, ok := cc.(*arq.Model)
	if !ok {
		return
	}
	p, ok := m.Learned()
	if !ok {
		return
	}
	if _, known := k[key]; !known && len(k) >= maxKnownPaths {
		k.forgetOldest()
	}
	k[key] = knownPath{p, now}
}

func (k knownPaths) forgetOldest() {
	var oldest knownPathKey
	var at time.Time
	for key, p := range k {
		if at.IsZero() || p.at.Before(at) {
			oldest, at = key, p.at
		}
	}
	delete(k, oldest)
}

// get returns what is known of a path, if that is not too long ago.
func (k knownPaths) get(key knownPathKey, now time.Time) (arq.KnownPath, bool) {
	p, ok := k[key]
	return p.KnownPath, ok && now.Sub(p.at) < knownPathTime
}

// resume has a new controller begin with what is known of its path, if the round trip is
// still rtt.
func resume(cc arq.Controller, p arq.KnownPath, rtt time.Duration) {
	if m, ok := cc.(*arq.Model); ok {
		m.Resume(p, rtt)
	}
}
