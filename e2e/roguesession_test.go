package e2e

import (
	"math/bits"
	"net/netip"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	rogueDatagram = 1232 // what every path carries: IPv6's least MTU of 1,280 without its headers
	rogueSegment  = rogueDatagram - proto.SealedHeaderLen - proto.SegmentHeaderLen - secure.Overhead
	rogueWindow   = 256 << 10 // bytes in flight: arbitrary, plenty on loopback
)

// rogueSession is one side of a session that was made by hand: authentic
// datagrams come and go, segments are repeated and acknowledged. What is wrong
// with it is for the rogueServer or rogueClient whose it is to say.
type rogueSession struct {
	id       proto.SessionID
	sends    proto.Kind
	conn     udp.Conn
	addr     netip.AddrPort
	keys     secure.Keys // of phase 0
	kem      *secure.KEM // a client's
	mixed    bool        // the keys of phase 1 are in use
	answer   []byte      // a server's half of the exchange of ML-KEM keys
	sealer   *secure.Sealer
	opener   *secure.Opener
	sender   *arq.Sender
	receiver *arq.Receiver
	control  arq.ControlReader
	party    rogueParty

	credit uint32 // that it gives
	mute   bool   // it acknowledges nothing
	taken  int64  // bytes of files that came
	told   int64  // acknowledgements that it sent
	closed *proto.Close
}

// rogueParty is the side of a session that knows what the bytes are for.
type rogueParty interface {
	message(s *rogueSession, m proto.Message) error
	bytes(r rangeset.Range) []byte // of the file
}

func newRogueSession(id proto.SessionID, sends proto.Kind, keys secure.Keys, theirs proto.Welcome, p rogueParty) *rogueSession {
	const rtt = time.Millisecond // loopback's, on a busy machine
	s := &rogueSession{
		id: id, sends: sends, keys: keys, party: p,
		sealer: secure.NewSealer(keys.Send, 0), opener: secure.NewOpener(keys.Receive), receiver: arq.NewReceiver(rtt),
		sender: arq.NewSender(arq.Config{
			SegmentBytes: rogueSegment, InitialRTT: rtt, Credit: int(theirs.Credit),
			Controller: &arq.Fixed{WindowBytes: rogueWindow},
		}),
	}
	return s
}

// handle takes a datagram. What cannot be opened came twice, or before its keys.
func (s *rogueSession) handle(now time.Time, b []byte) error {
	h, clear, body, err := proto.ParseSealed(b)
	if err != nil || h.Session != s.id || h.Kind == s.sends {
		return err
	}
	plain, err := s.opener.Open(nil, clear, body, h.Phase, uint64(h.Number))
	if err != nil {
		return nil
	}
	for {
		t, frame, rest, err := proto.NextFrame(plain)
		if err != nil || frame == nil {
			return err
		}
		if err := s.frame(now, h.Number, t, frame, len(b)); err != nil {
			return err
		}
		plain = rest
	}
}

func (s *rogueSession) frame(now time.Time, pn proto.PacketNumber, t proto.FrameType, frame []byte, size int) error {
	switch t {
	case proto.FrameAck:
		var a proto.Ack
		if err := a.Parse(frame); err != nil {
			return err
		}
		return s.sender.HandleAck(now, &a)
	case proto.FrameSegment:
		return s.segment(now, pn, frame)
	case proto.FrameMTUProbe:
		s.send(&proto.MTUReply{Size: uint16(size)})
	case proto.FrameClose:
		c, err := proto.ParseClose(frame)
		s.closed = &c
		return err
	case proto.FrameKEMKey:
		return s.encapsulate(frame)
	case proto.FrameKEMText:
		return s.decapsulate(frame)
	}
	return nil
}

func (s *rogueSession) segment(now time.Time, pn proto.PacketNumber, frame []byte) error {
	seg, err := proto.ParseSegment(frame)
	if err != nil {
		return err
	}
	fresh, err := s.receiver.HandleSegment(now, pn, &seg)
	if err != nil || !fresh {
		return err
	}
	if seg.Request != proto.Control {
		s.taken += int64(len(seg.Payload))
		return nil
	}
	return readControl(&s.control, &seg, func(m proto.Message) error { return s.party.message(s, m) })
}

// encapsulate answers the client's half of the exchange of ML-KEM keys, each
// time with the same datagram.
func (s *rogueSession) encapsulate(frame []byte) error {
	if !s.mixed {
		k, err := proto.ParseKEMKey(frame)
		if err != nil {
			return err
		}
		text, mixed, err := s.keys.Encapsulate(k.Key)
		if err != nil {
			return err
		}
		s.answer = s.seal(nil, &proto.KEMText{Text: text})
		s.mix(mixed)
	}
	s.write(s.answer, len(s.answer))
	return nil
}

func (s *rogueSession) decapsulate(frame []byte) error {
	if s.mixed {
		return nil
	}
	t, err := proto.ParseKEMText(frame)
	if err != nil {
		return err
	}
	mixed, err := s.kem.Mix(s.keys, t.Text)
	if err == nil {
		s.mix(mixed)
	}
	return err
}

func (s *rogueSession) mix(keys secure.Keys) {
	s.sealer.Advance(keys.Send)
	s.opener.Expect(keys.Receive)
	s.mixed = true
}

// flush sends what is due.
func (s *rogueSession) flush(now time.Time) {
	if !s.mixed {
		return
	}
	s.sender.HandleTimeout(now)
	for t, ok := s.sender.Poll(now); ok; t, ok = s.sender.Poll(now) {
		s.sendBurst(&t)
	}
	if !s.mute && s.receiver.AckDue(now) {
		s.told++
		s.send(s.receiver.Ack(now, s.credit))
	}
}

func (s *rogueSession) sendBurst(t *arq.Transmission) {
	var out []byte
	pn := t.First
	for mask := t.Mask; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		r := t.Bytes(i)
		seg := proto.Segment{
			Index: uint8(i), Count: uint8(t.Count), Repeat: t.Repeat,
			Channel: t.Channel, Burst: t.Burst, Request: t.Request, Offset: r.Start,
		}
		if t.Request == proto.Control {
			seg.Payload = s.sender.Control(r)
		} else {
			seg.Payload = s.party.bytes(r)
		}
		out = s.sealAs(out, pn, &seg)
		pn++
	}
	s.write(out, rogueDatagram)
}

// rogueFrame is a frame that makes a datagram of its own.
type rogueFrame interface{ Append(dst []byte) []byte }

func (s *rogueSession) send(f rogueFrame) {
	b := s.seal(nil, f)
	s.write(b, len(b))
}

func (s *rogueSession) seal(dst []byte, f rogueFrame) []byte {
	return s.sealAs(dst, s.sender.NextNumber(), f)
}

func (s *rogueSession) sealAs(dst []byte, pn proto.PacketNumber, f rogueFrame) []byte {
	start := len(dst)
	dst = (proto.SealedHeader{Kind: s.sends, Phase: s.sealer.Phase(), Session: s.id, Number: pn}).Append(dst)
	plain := len(dst)
	dst = f.Append(dst)
	return s.sealer.Seal(dst[:plain], dst[start:plain], dst[plain:], uint64(pn))
}

// write hands datagrams to the kernel. What it does not take is as good as lost.
func (s *rogueSession) write(b []byte, datagram int) {
	_ = s.conn.Write(b, min(datagram, len(b)), s.addr)
}

// nextTimeout returns when to flush if nothing comes before, zero for never.
func (s *rogueSession) nextTimeout() time.Time {
	a, b := s.sender.NextTimeout(), s.receiver.NextTimeout()
	if a.IsZero() || !b.IsZero() && !s.mute && b.Before(a) {
		return b
	}
	return a
}
