package tree

import "golang.org/x/sys/cpu"

// What vectors this processor, and its system, have.
var (
	vectors512 = cpu.X86.HasAVX512F
	vectors256 = cpu.X86.HasAVX2
)

// wide reports whether there are vectors that rows can be compressed in.
func wide() bool { return vectors512 || vectors256 }

// compressChunks writes to to the chaining values of the sixteen chunks in data,
// the first of which is number chunk of the file, a multiple of 16.
func compressChunks(to *row, data *[rowBytes]byte, chunk uint64) {
	if vectors512 {
		compressChunks512(to, data, chunk)
	} else {
		compressChunks256(to, data, chunk)
	}
}

// compressParents writes to to the chaining values of the parents of the pairs
// in low and high: first the eight of low, then those of high. The rows may be
// one and the same.
func compressParents(to, low, high *row) {
	if vectors512 {
		compressParents512(to, low, high)
	} else {
		compressParents256(to, low, high)
	}
}

//go:noescape
func compressChunks512(to *row, data *[rowBytes]byte, chunk uint64)

//go:noescape
func compressParents512(to, low, high *row)

//go:noescape
func compressChunks256(to *row, data *[rowBytes]byte, chunk uint64)

//go:noescape
func compressParents256(to, low, high *row)
