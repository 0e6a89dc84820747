package proto

// PathDataLen is the length in bytes of what a path is checked with (RFC 9000,
// section 19.17).
const PathDataLen = 8

// PathData is what a PathChallenge asks and its PathResponse says.
type PathData [PathDataLen]byte

// PathChallenge asks whoever is at the address that it goes to whether it is the
// client.
type PathChallenge struct{ Data PathData }

// Append appends the frame to dst.
func (c *PathChallenge) Append(dst []byte) []byte {
	return append(append(dst, byte(FramePathChallenge)), c.Data[:]...)
}

// PathResponse answers a PathChallenge.
type PathResponse struct{ Data PathData }

// Append appends the frame to dst.
func (r *PathResponse) Append(dst []byte) []byte {
	return append(append(dst, byte(FramePathResponse)), r.Data[:]...)
}

// ParsePathChallenge parses a path challenge frame.
func ParsePathChallenge(b []byte) (c PathChallenge, err error) {
	data, err := parseFixed(b, FramePathChallenge, PathDataLen)
	copy(c.Data[:], data)
	return c, err
}

// ParsePathResponse parses a path response frame.
func ParsePathResponse(b []byte) (r PathResponse, err error) {
	data, err := parseFixed(b, FramePathResponse, PathDataLen)
	copy(r.Data[:], data)
	return r, err
}
