package secure

import (
	"crypto/rand"

	"github.com/flynn/noise"
)

// rejectingDH is X25519 that can turn a peer's point of low order (RFC 7748
// section 6.1) into a message that fails to authenticate.
//
// The library undoes what a message changed when decryption fails, and not
// when Diffie-Hellman does. While a message is read, therefore, a failed
// exchange yields a random secret, with which nothing decrypts: the implicit
// rejection of FIPS 203 section 6.3.
type rejectingDH struct {
	noise.DHFunc
	reading  bool
	computed bool // since reading began
}

func (d *rejectingDH) DH(private, public []byte) ([]byte, error) {
	d.computed = true
	shared, err := d.DHFunc.DH(private, public)
	if err != nil && d.reading {
		shared = make([]byte, d.DHLen())
		rand.Read(shared) // never fails, and what it yields shows nowhere
		return shared, nil
	}
	return shared, err
}
