// Package tree cuts the BLAKE3 tree of a file into pieces of 1 MiB, so that
// each can be checked on its own and all of them together give the hash that
// b3sum prints.
//
// BLAKE3 hashes chunks of 1 KiB and joins them in a binary tree that is full on
// its left (the BLAKE3 paper, section 2.1). 1,024 chunks that begin at a
// multiple of 1,024 are a subtree of their own, whose chaining value depends on
// these bytes and on their place in the file. That value is the hash of a piece:
//
//	              root = BLAKE3(file)
//	             /                   \
//	       parent                     \
//	      /      \                     \
//	piece 0    piece 1              piece 2
//	1 MiB      1 MiB                1 byte to 1 MiB
//
// The last piece is what remains. A file of one piece, the empty file too, has
// the root itself for its piece hash: the root is flagged, so that it is equal to
// no chaining value, and a piece therefore has to be told how many there are.
//
// [PieceHash] hashes one piece, a [PieceHasher] as it comes, a [List] holds those of one
// file and joins them, [Sum] reads a file and hashes all of it.
//
// # Known limitations
//
// A List may be read by several goroutines at once but not while one of them
// sets a hash. Its Root joins all the hashes anew at each call. A hash set far
// from all others costs a page of 128 KiB.
//
// Whole pieces are hashed sixteen chunks at a time where the processor has AVX-512,
// eight where it has AVX2 alone. What is shorter is left to the library, which takes
// about twice as long; other processors run the library's plain Go code, which is several
// times slower.
package tree
