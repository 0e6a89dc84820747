package peer

import (
	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// landing is where the next segment of file bytes is likely to belong: behind the
// last one. A datagram that may be it is opened into its place there, which saves
// to copy it. A guess that fails costs two copies and nothing else: the bytes that are
// written to are none that have come.
type landing struct {
	request proto.ID
	offset  int64
}

// frontRoom is what a piece's buffer has before the piece, for the header of the
// segment that begins it.
const frontRoom = proto.SegmentHeaderLen

// lander is a party that may know where the next segment belongs.
type lander interface {
	// landingFor returns where to open a datagram with n bytes of frames, nil if
	// that is not known. Whatever comes may be written there but to the first
	// proto.SegmentHeaderLen bytes, which are put back.
	landingFor(n int) []byte

	// landed reports whether a segment that was opened there belongs there.
	landed(seg *proto.Segment) bool
}

// opened is a datagram that has been opened.
type opened struct {
	plain  []byte
	landed bool // plain is not set: it was a segment, and its payload is where it belongs
}

// open opens a datagram of which body is sealed: into the place of the next
// segment if it may be that, else where it is.
func (s *session) open(h proto.SealedHeader, header, body []byte) (opened, error) {
	if s.lander != nil {
		if at := s.lander.landingFor(len(body) - secure.Overhead); at != nil {
			return s.land(at, h, header, body)
		}
	}
	plain, err := s.opener.Open(body[:0], header, body, h.Phase, uint64(h.Number))
	return opened{plain: plain}, err
}

// land opens a datagram to at, in which a segment's header lies on bytes that are
// still wanted.
func (s *session) land(at []byte, h proto.SealedHeader, header, body []byte) (opened, error) {
	kept := [proto.SegmentHeaderLen]byte(at)
	defer copy(at, kept[:])
	plain, err := s.opener.Open(at[:0], header, body, h.Phase, uint64(h.Number))
	if err != nil {
		return opened{}, err
	}
	if s.segment, err = proto.ParseSegment(plain); err != nil || !s.lander.landed(&s.segment) {
		// Back to where it lay: what is another segment's place may be this one's too, of
		// another part, and not all of it could be moved there without writing over the rest.
		return opened{plain: append(body[:0], plain...)}, nil
	}
	return opened{landed: true}, nil
}

// landingFor implements lander: a segment that follows the last one would lie in a
// piece that has begun and has none of it.
func (c *clientSession) landingFor(n int) []byte {
	payload := int64(n - proto.SegmentHeaderLen)
	g := c.gets[c.next.request]
	r := rangeset.Range{Start: c.next.offset, End: c.next.offset + payload}
	if payload <= 0 || g == nil || g.data.Intersect(r) != r {
		return nil
	}
	part := c.part(g, assign.PieceIndex(r.Start))
	p := c.pieces[part.Start]
	if p == nil || part.Intersect(r) != r || p.have.Overlaps(r) {
		return nil
	}
	start := r.Start - p.base // in the buffer, a header before the payload
	return p.space[start : start+int64(n) : start+int64(n)]
}

// landed implements lander.
func (c *clientSession) landed(seg *proto.Segment) bool {
	g := c.gets[seg.Request]
	return g != nil && landing{seg.Request, seg.At(g.data.Start)} == c.next
}
