package treecache

import (
	"errors"
	"math"

	"chunkcp/internal/tree"

	"lukechampine.com/blake3"
)

// A value of the database, none of whose bytes can change unseen:
//
//	 0  version, 1
//	 1  binding: the BLAKE3 hash of key and root
//	33  root, which the hashes join to
//	65  the hash of each piece, in order
//
// The binding is there because a key may be damaged too: without it a list
// would be found under the key of another file.
const (
	version   = 1
	bindingAt = 1
	rootAt    = bindingAt + hashBytes
	hashesAt  = rootAt + hashBytes
	hashBytes = len(tree.Hash{})
	maxValue  = math.MaxInt32 - 1 // bbolt's MaxValueSize: the hashes of 64 TiB
)

var errValue = errors.New("treecache: the value is damaged")

// valueBytes returns the length of the value of a file of size bytes.
func valueBytes(size int64) int64 {
	return int64(hashesAt) + tree.Pieces(size)*int64(hashBytes)
}

func encode(k Key, l *tree.List, root tree.Hash) []byte {
	value := make([]byte, 0, valueBytes(k.Size))
	value = append(value, version)
	bound := binding(k, root)
	value = append(value, bound[:]...)
	value = append(value, root[:]...)
	for i := range l.Len() {
		h, _ := l.Get(i)
		value = append(value, h[:]...)
	}
	return value
}

// decode returns the list of a value of file k, or errValue. It takes time in
// proportion to the value, to join the hashes.
func decode(k Key, value []byte) (*tree.List, error) {
	if int64(len(value)) != valueBytes(k.Size) || value[0] != version {
		return nil, errValue
	}
	root := tree.Hash(value[rootAt:])
	if tree.Hash(value[bindingAt:]) != binding(k, root) {
		return nil, errValue
	}
	l := tree.NewList(k.Size)
	hashes := value[hashesAt:]
	for i := range l.Len() {
		l.Set(i, tree.Hash(hashes[int(i)*hashBytes:]))
	}
	if joined, _ := l.Root(); joined != root {
		return nil, errValue
	}
	return l, nil
}

func binding(k Key, root tree.Hash) tree.Hash {
	return blake3.Sum256(append(k.bytes(), root[:]...))
}
