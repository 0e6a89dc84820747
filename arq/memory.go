package arq

import "math/bits"

// Memory is what sessions have in common for the bytes of their control streams,
// and one session's view of it.
type Memory interface {
	// Take asks for n bytes more, and reports whether the session has them now.
	Take(n int) bool

	// Give takes n bytes back.
	Give(n int)

	// Room returns about how many bytes Take would give: others take too.
	Room() int
}

// leastBuffer is what a buffer has at least once it has anything, and keeps when it
// is empty (arbitrary: some requests and their answers).
const leastBuffer = 512

// grown returns b with room for n bytes in all, false if m does not give it. A nil m
// gives all that is asked for.
func grown(m Memory, b []byte, n int) ([]byte, bool) {
	if n <= cap(b) {
		return b, true
	}
	size := max(leastBuffer, 1<<bits.Len(uint(n-1)))
	if m != nil {
		size = max(n, min(size, cap(b)+m.Room()))
		if !m.Take(size - cap(b)) {
			return b, false
		}
	}
	return append(make([]byte, 0, size), b...), true
}

// freed returns b, without its memory where that is large and holds nothing.
func freed(m Memory, b []byte) []byte {
	if len(b) > 0 || cap(b) <= leastBuffer {
		return b
	}
	if m != nil {
		m.Give(cap(b))
	}
	return nil
}
