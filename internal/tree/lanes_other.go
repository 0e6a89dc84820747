//go:build !amd64

package tree

func wide() bool { return false }

func compressChunks(*row, *[rowBytes]byte, uint64) { panic("BUG: not on this processor") }

func compressParents(_, _, _ *row) { panic("BUG: not on this processor") }
