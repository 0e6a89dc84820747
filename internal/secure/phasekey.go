package secure

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

const ivLen = 12 // bytes of an AES-GCM nonce, NIST SP 800-38D section 5.2.1.1

// phaseKey is what one direction seals with during one phase.
type phaseKey struct {
	aead cipher.AEAD
	iv   [ivLen]byte
}

// newPhaseKey derives the key and IV of the phase that secret belongs to.
func newPhaseKey(secret [32]byte) phaseKey {
	block, err := aes.NewCipher(expand(secret, "chunkcp key", 32))
	if err != nil {
		panic(fmt.Sprintf("BUG: AES-256 refuses a key of 32 bytes: %v", err))
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(fmt.Sprintf("BUG: GCM refuses AES: %v", err))
	}
	return phaseKey{aead, [ivLen]byte(expand(secret, "chunkcp iv", ivLen))}
}

// nextSecret returns the secret of the phase after the one that secret belongs to.
func nextSecret(secret [32]byte) [32]byte { return [32]byte(expand(secret, "chunkcp ku", 32)) }

// nonce writes the nonce of packet number pn to dst (RFC 9001 section 5.3).
func (k *phaseKey) nonce(dst *[ivLen]byte, pn uint64) {
	*dst = k.iv
	low := dst[ivLen-8:]
	binary.BigEndian.PutUint64(low, binary.BigEndian.Uint64(low)^pn)
}

func expand(secret [32]byte, label string, n int) []byte {
	out, err := hkdf.Expand(sha256.New, secret[:], label, n)
	if err != nil {
		panic(fmt.Sprintf("BUG: HKDF refuses %d bytes of %q: %v", n, label, err))
	}
	return out
}
