package tree

import (
	"math/rand/v2"
	"testing"
	"time"
)

// generator returns a source of random numbers, and prints its seed.
func generator(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// content returns bytes that depend on their place, pages and pieces included.
func content(size int) []byte {
	source := rand.NewChaCha8([32]byte{1})
	data := make([]byte, size)
	source.Read(data)
	return data
}

// listOf hashes data piece by piece, in this order or the other.
func listOf(data []byte, backwards bool) *List {
	l := NewList(int64(len(data)))
	for i := range l.Len() {
		if backwards {
			i = l.Len() - 1 - i
		}
		start := i * PieceBytes
		l.Set(i, PieceHash(data[start:min(start+PieceBytes, l.Size())], i, l.Len()))
	}
	return l
}

func rootOf(t testing.TB, l *List) Hash {
	t.Helper()
	root, ok := l.Root()
	if !ok {
		t.Fatalf("no root with %d of %d hashes known", l.Known(), l.Len())
	}
	return root
}
