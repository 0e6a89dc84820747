package proto

// The lengths in bytes of what ML-KEM-768 exchanges (FIPS 203, table 3).
const (
	KEMKeyLen  = 1184
	KEMTextLen = 1088
)

// KEMKey is the client's encapsulation key, the first that it seals.
type KEMKey struct {
	Key []byte // KEMKeyLen bytes
}

// Append appends the frame to dst.
func (k *KEMKey) Append(dst []byte) []byte { return append(append(dst, byte(FrameKEMKey)), k.Key...) }

// KEMText is the server's ciphertext for a KEMKey, the first that it seals.
type KEMText struct {
	Text []byte // KEMTextLen bytes
}

// Append appends the frame to dst.
func (t *KEMText) Append(dst []byte) []byte {
	return append(append(dst, byte(FrameKEMText)), t.Text...)
}

// ParseKEMKey parses a KEM key frame; its Key aliases b.
func ParseKEMKey(b []byte) (KEMKey, error) {
	key, err := parseFixed(b, FrameKEMKey, KEMKeyLen)
	return KEMKey{key}, err
}

// ParseKEMText parses a KEM text frame; its Text aliases b.
func ParseKEMText(b []byte) (KEMText, error) {
	text, err := parseFixed(b, FrameKEMText, KEMTextLen)
	return KEMText{text}, err
}

// parseFixed parses a frame that is its type and n bytes.
func parseFixed(b []byte, t FrameType, n int) ([]byte, error) {
	r := reader{b: b}
	if FrameType(r.u8()) != t {
		return nil, ErrMalformed
	}
	body := r.take(n)
	return body, r.end()
}
