package tree

import "golang.org/x/sys/cpu"

// wide reports whether this processor, and its system, have the instructions.
func wide() bool { return cpu.X86.HasAVX512F }

// compressChunks writes to to the chaining values of the sixteen chunks in data,
// the first of which is number chunk of the file, a multiple of 16.
//
//go:noescape
func compressChunks(to *row, data *[rowBytes]byte, chunk uint64)

// compressParents writes to to the chaining values of the parents of the pairs
// in low and high: first the eight of low, then those of high. The rows may be
// one and the same.
//
//go:noescape
func compressParents(to, low, high *row)
