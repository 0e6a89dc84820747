package assign

import (
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// PieceBytes is the unit in which a file is leased, kept in memory and written.
const PieceBytes = proto.PieceBytes

// PieceIndex returns the index of the piece that holds offset.
func PieceIndex(offset int64) int64 { return offset / PieceBytes }

// PieceRange returns where piece i of a file of size bytes lies.
func PieceRange(i, size int64) rangeset.Range {
	start := i * PieceBytes
	return rangeset.Range{Start: start, End: start + min(PieceBytes, size-start)}
}

// lastPiece returns the last piece of r, an empty one if r is.
func lastPiece(r rangeset.Range) rangeset.Range {
	if r.Empty() {
		return rangeset.Range{}
	}
	return rangeset.Range{Start: max(r.Start, PieceIndex(r.End-1)*PieceBytes), End: r.End}
}

// piecesIn returns how many pieces r, which is not empty, has a part of.
func piecesIn(r rangeset.Range) int64 { return PieceIndex(r.End-1) - PieceIndex(r.Start) + 1 }
