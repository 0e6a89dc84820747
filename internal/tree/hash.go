package tree

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// prefix says which hash it is that follows.
const prefix = "b3:"

// Hash is a BLAKE3 chaining value or root.
type Hash [32]byte

// String returns the 64 hexadecimal digits of h, as b3sum prints them.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Text returns "b3:" and the digits: what users see, and what ParseHash takes.
func (h Hash) Text() string { return prefix + h.String() }

// ParseHash takes "b3:HEX" and "HEX", 64 hexadecimal digits of any case.
func ParseHash(s string) (Hash, error) {
	digits := strings.TrimPrefix(s, prefix)
	if before, _, found := strings.Cut(digits, ":"); found {
		return Hash{}, fmt.Errorf("hash %.80q: %.20q is no hash that is known: write b3: and 64 hexadecimal digits", s, before)
	}
	if len(digits) != 2*len(Hash{}) {
		return Hash{}, fmt.Errorf("hash %.80q has %d digits: write b3: and the 64 that b3sum prints", s, len(digits))
	}
	var h Hash
	if _, err := hex.Decode(h[:], []byte(digits)); err != nil {
		return Hash{}, fmt.Errorf("hash %.80q is not hexadecimal: write b3: and the 64 digits that b3sum prints", s)
	}
	return h, nil
}
