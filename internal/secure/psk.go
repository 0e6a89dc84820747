package secure

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// PSK is a pre-shared key: who lacks it gets no answer from a server that has
// one.
type PSK struct {
	redacted
	key [PSKLen]byte
}

// LoadPSK reads a pre-shared key from the file at path: one line with the
// PSKLen bytes in hex or base64, and any number of empty lines and of comments
// after #. On unix it refuses a file that others have any permission on or own.
func LoadPSK(path string) (*PSK, error) {
	data, err := readSecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("pre-shared key: %w", err)
	}
	psk, err := parsePSK(data)
	if err != nil {
		return nil, fmt.Errorf("pre-shared key: %s is malformed: %w; make a new one with: openssl rand -base64 %d", path, err, PSKLen)
	}
	return psk, nil
}

// Bytes returns the key, nil for no key: what HandshakeConfig takes.
func (k *PSK) Bytes() []byte {
	if k == nil {
		return nil
	}
	return k.key[:]
}

// Equal reports whether two keys are the same, or none.
func (k *PSK) Equal(o *PSK) bool {
	if k == nil || o == nil {
		return k == o
	}
	return subtle.ConstantTimeCompare(k.key[:], o.key[:]) == 1
}

var (
	errPSKText = fmt.Errorf("want %d characters of hex or %d of base64, which are %d bytes", 2*PSKLen, keyTextLen, PSKLen)
	errPSKZero = errors.New("it is all zero, which is no secret")
)

// parsePSK reads the contents of a pre-shared key's file. Its errors show
// nothing of them.
func parsePSK(data []byte) (*PSK, error) {
	text, err := secretLine(data)
	if err != nil {
		return nil, err
	}
	var b []byte
	switch len(text) {
	case 2 * PSKLen:
		b, err = hex.DecodeString(text)
	case keyTextLen:
		b, err = base64.StdEncoding.Strict().DecodeString(text)
	default:
		return nil, errPSKText
	}
	if err != nil || len(b) != PSKLen {
		return nil, errPSKText
	}
	k := &PSK{key: [PSKLen]byte(b)}
	if k.key == [PSKLen]byte{} {
		return nil, errPSKZero
	}
	return k, nil
}
