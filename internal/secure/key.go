package secure

import (
	"encoding/base64"
	"errors"
	"fmt"
)

const (
	keyLen     = 32 // bytes of an X25519 key, RFC 7748 section 5
	keyTextLen = 44 // characters of keyLen bytes in padded base64, RFC 4648 section 4
	shortLen   = 8  // arbitrary; 48 bits tell the peers of one log apart
)

// PublicKey is a peer's static X25519 key: what a peer is known by.
type PublicKey [keyLen]byte

// String returns the key in base64 as a config or known_peers file has it, 44 characters.
func (k PublicKey) String() string { return base64.StdEncoding.EncodeToString(k[:]) }

// Short returns the first 8 characters of String, for logs. It identifies a
// peer to a reader and proves nothing: 48 bits can be imitated.
func (k PublicKey) Short() string { return k.String()[:shortLen] }

// ParsePublicKey is the inverse of String. It takes nothing that String would
// not have written.
func ParsePublicKey(s string) (PublicKey, error) {
	b, err := decodeKey(s)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key %.64q is malformed: %w", s, err)
	}
	return PublicKey(b), nil
}

var errKeyText = errors.New("want 44 characters of base64, as chunkcp prints keys")

// decodeKey decodes the 32 bytes of a key. Its errors show nothing of s, which
// may be a secret.
func decodeKey(s string) ([]byte, error) {
	if len(s) != keyTextLen {
		return nil, errKeyText
	}
	// Strict refuses bits beyond the key, so that no two texts mean the same
	// one. Line breaks, which the decoder skips, leave too few bytes.
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != keyLen {
		return nil, errKeyText
	}
	return b, nil
}
