package config

import (
	"fmt"
	"strings"

	"chunkcp/internal/secure"
)

// Peer is one server to fetch from.
type Peer struct {
	Addr string            // HOST:PORT, IPv6 in brackets
	Key  *secure.PublicKey // the only key it may show; nil: whatever is remembered of it

	// PSKFile is the path of the file with the pre-shared key that the server
	// asks for; "" if it asks for none. A flag cannot name one.
	PSKFile string
}

// ParsePeer parses the form that a flag has: HOST, HOST:PORT or HOST:PORT#KEY.
func ParsePeer(s string) (Peer, error) {
	text, keyText, pinned := strings.Cut(s, "#")
	addr, err := parsePeerAddr(text)
	if err != nil {
		return Peer{}, &Error{Err: fmt.Errorf("peer %.160q: %w", s, err)}
	}
	peer := Peer{Addr: addr}
	if pinned {
		key, err := secure.ParsePublicKey(keyText)
		if err != nil {
			return Peer{}, &Error{Err: fmt.Errorf("peer %.160q: %w", s, err)}
		}
		peer.Key = &key
	}
	return peer, nil
}
