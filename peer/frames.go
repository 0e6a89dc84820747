package peer

import (
	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// close tells the peer that the session ends. Nobody answers; if it is lost,
// the peer finds out by silence.
func (s *session) close(code proto.CloseCode, reason string) {
	_ = s.sendFrame(&proto.Close{Code: code, Reason: reason})
}

// frame is a frame that makes a datagram of its own.
type frame interface{ Append(dst []byte) []byte }

func (s *session) sendFrame(f frame) error { return s.sendPadded(f, 0) }

// sendPadded sends one frame in a datagram of at least size bytes.
func (s *session) sendPadded(f frame, size int) error {
	if size <= baseDatagram {
		buf := s.buffers.getFrame()
		defer s.buffers.putFrame(buf)
		out := s.sealPadded(buf[:0], f, size)
		return s.write(out, len(out))
	}
	buf := s.buffers.get()
	defer s.buffers.put(buf)
	out := s.sealPadded(buf.out[:0], f, size)
	return s.write(out, len(out))
}

// sealPadded appends to dst, which must have room for the padding.
func (s *session) sealPadded(dst []byte, f frame, size int) []byte {
	pn := s.sender.NextNumber()
	out := s.header(pn).Append(dst)
	plain := len(out)
	out = f.Append(out)
	if n := size - secure.Overhead - len(out); n > 0 {
		out = out[:len(out)+n]
		clear(out[len(out)-n:])
	}
	return s.sealer.Seal(out[:plain], out[:plain], out[plain:], uint64(pn))
}
