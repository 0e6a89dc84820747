package peer

import (
	"math/bits"

	"chunkcp/arq"
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// segmentOverhead is what a datagram carries beside a segment's payload.
const segmentOverhead = payloadStart + secure.Overhead

// payloadStart is where in a datagram a segment's payload begins.
const payloadStart = proto.SealedHeaderLen + proto.SegmentHeaderLen

// sendBurst writes the segments of one transmission in one call. Their bytes are
// read to where they lie in the datagrams, and are sealed there.
func (s *session) sendBurst(t *arq.Transmission) error {
	if t.Repeat && s.answer != nil { // without it the client cannot open this
		if err := s.write(s.answer, len(s.answer)); err != nil {
			return err
		}
	}
	buf := s.buffers.get()
	defer s.buffers.put(buf)
	out := buf.layOut(t)
	if err := s.readBurst(t, buf.parts[:]); err != nil {
		return nil // the party has dealt with it
	}
	s.sealBurst(t, out)
	return s.write(out, t.Segment+segmentOverhead)
}

// layOut makes room for the datagrams of a transmission, and notes where the
// payload of each goes.
func (b *burstBuffer) layOut(t *arq.Transmission) []byte {
	end, k := 0, 0
	for mask := t.Mask; mask != 0; mask &= mask - 1 {
		n := int(t.Bytes(bits.TrailingZeros64(mask)).Len())
		b.parts[k] = b.out[end+payloadStart : end+payloadStart+n]
		end += n + segmentOverhead
		k++
	}
	return b.out[:end]
}

// readBurst reads each run of segments at once: those between have arrived.
func (s *session) readBurst(t *arq.Transmission, parts [][]byte) error {
	for mask := t.Mask; mask != 0; {
		i := bits.TrailingZeros64(mask)
		n := bits.TrailingZeros64(^(mask >> i)) // segments in a row
		if err := s.readRun(t, i, parts[:n]); err != nil {
			return err
		}
		mask &^= (1<<n - 1) << i
		parts = parts[n:]
	}
	return nil
}

// readRun reads the bytes of the segments from i on.
func (s *session) readRun(t *arq.Transmission, i int, parts [][]byte) error {
	if t.Request != proto.Control {
		return s.party.read(parts, t.Request, t.Bytes(i).Start)
	}
	for k, p := range parts {
		copy(p, s.sender.Control(t.Bytes(i+k)))
	}
	return nil
}

// sealBurst makes the datagrams of a transmission from out, in which their
// payloads lie.
func (s *session) sealBurst(t *arq.Transmission, out []byte) {
	pn := t.First
	for mask := t.Mask; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		r := t.Bytes(i)
		s.header(pn).Append(out[:0])
		plain := out[proto.SealedHeaderLen : payloadStart+r.Len()]
		seg := proto.Segment{
			Index: uint8(i), Count: uint8(t.Count), Repeat: t.Repeat,
			Channel: t.Channel, Burst: t.Burst, Request: t.Request, Offset: r.Start,
		}
		seg.PutHeader(plain)
		s.sealer.Seal(plain[:0], out[:proto.SealedHeaderLen], plain, uint64(pn))
		out = out[len(plain)+proto.SealedHeaderLen+secure.Overhead:]
		pn++
	}
}
