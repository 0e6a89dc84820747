package secure

import (
	"crypto/hkdf"
	"crypto/mlkem"
	"crypto/sha256"
	"fmt"
)

// KEM is the initiator's half of an ML-KEM-768 exchange (FIPS 203), which keeps
// what is sealed secret from who records it today and breaks X25519 one day.
type KEM struct {
	redacted
	key *mlkem.DecapsulationKey768
}

// NewKEM returns a KEM with a key of its own.
func NewKEM() (*KEM, error) {
	key, err := mlkem.GenerateKey768()
	if err != nil {
		return nil, fmt.Errorf("make an ML-KEM key: %w", err)
	}
	return &KEM{key: key}, nil
}

// Key returns the encapsulation key, for the responder.
func (k *KEM) Key() []byte { return k.key.EncapsulationKey().Bytes() }

// Mix takes the responder's ciphertext and returns the keys of the next phase.
// One that was made for another key is not seen to be: the two sides then have
// different keys (FIPS 203 section 6.3).
func (k *KEM) Mix(keys Keys, ciphertext []byte) (Keys, error) {
	shared, err := k.key.Decapsulate(ciphertext)
	if err != nil {
		return Keys{}, fmt.Errorf("ML-KEM ciphertext: %w", err)
	}
	return keys.mix(shared, k.Key(), ciphertext), nil
}

// Encapsulate answers the initiator's encapsulation key: it returns the
// ciphertext and the responder's keys of the next phase.
func (k *Keys) Encapsulate(key []byte) (ciphertext []byte, mixed Keys, err error) {
	ek, err := mlkem.NewEncapsulationKey768(key)
	if err != nil {
		return nil, Keys{}, fmt.Errorf("ML-KEM key: %w", err)
	}
	shared, ciphertext := ek.Encapsulate()
	return ciphertext, k.mix(shared, key, ciphertext), nil
}

// mix returns the keys of the phase that begins with a shared secret. Each
// direction's stays secret as long as either the shared secret or Noise's does,
// and belongs to this handshake and these two messages only.
func (k *Keys) mix(shared, key, ciphertext []byte) Keys {
	transcript := sha256.New()
	transcript.Write(k.Binding[:])
	transcript.Write(key)
	transcript.Write(ciphertext)
	info := "chunkcp pq" + string(transcript.Sum(nil))
	next := func(secret [32]byte) [32]byte {
		prk, err := hkdf.Extract(sha256.New, shared, secret[:])
		if err != nil {
			panic(fmt.Sprintf("BUG: HKDF refuses to extract: %v", err))
		}
		return [32]byte(expand([32]byte(prk), info, 32))
	}
	return Keys{Send: next(k.Send), Receive: next(k.Receive), Binding: k.Binding}
}
