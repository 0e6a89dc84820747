package peer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// The headers and the keys count phases alike, or this does not compile.
var _ = [1]struct{}{}[proto.Phases-secure.Phases]

// baseSegment is the payload of a segment that every path carries.
const baseSegment = baseDatagram - segmentOverhead

// party is the side of a session that knows what the bytes are for: a client's
// or a server's.
type party interface {
	// credit returns how many bytes may be in flight to this side.
	credit() uint32

	// room reports whether place can take the segment now. A segment without
	// room is as good as lost: the sender repeats it.
	room(seg *proto.Segment) bool

	// place takes file bytes that have not come before.
	place(seg *proto.Segment)

	// message takes a control message.
	message(now time.Time, m proto.Message) error

	// read fills parts, one after the other, with the bytes of a request from
	// offset on.
	read(parts [][]byte, request proto.ID, offset int64) error
}

// errClosed is the end of a session by the other side.
type errClosed struct{ proto.Close }

func (e *errClosed) Error() string {
	if e.Reason != "" {
		return fmt.Sprintf("session closed by the peer: %v: %q", e.Code, e.Reason)
	}
	return fmt.Sprintf("session closed by the peer: %v", e.Code)
}

// session is what both sides of a session have in common: sealed datagrams
// come in and go out. It belongs to one goroutine.
type session struct {
	id       proto.SessionID
	sends    proto.Kind // of the datagrams it writes
	takes    proto.Kind // of those it reads
	conn     udp.Conn
	addr     netip.AddrPort
	sealer   *secure.Sealer
	opener   *secure.Opener
	sender   *arq.Sender
	receiver *arq.Receiver
	control  arq.ControlReader
	party    party
	lander   lander // nil on a side that takes no file bytes
	buffers  *burstBuffers
	mtu      *arq.PathMTU // nil on a side that sends little
	ack      proto.Ack
	segment  proto.Segment // the one being handled: here, it need not be allocated
	keyExchange

	check *pathCheck     // nil on a side that does not follow the other
	from  netip.AddrPort // of the datagram being handled, if check is not nil

	unsent error // of the last write, if it failed and nothing has come since

	heard     time.Time // when the last authentic datagram came
	datagrams uint64    // authentic ones
	repeated  uint64    // segments that came as repeats
	refused   uint64    // segments there was no room for
}

// newSession joins the parts of a session whose handshake is done. base is what
// this side has to say of its sender.
func newSession(id proto.SessionID, isClient bool, keys secure.Keys, welcome proto.Welcome, rtt time.Duration, base arq.Config) *session {
	base.SegmentBytes, base.OverheadBytes, base.BurstBytes = baseSegment, segmentOverhead, maxBurstBytes
	base.InitialRTT, base.Credit, base.Random = rtt, int(welcome.Credit), random64
	s := &session{
		id: id, sends: proto.KindServerSealed, takes: proto.KindClientSealed,
		sealer: secure.NewSealer(keys.Send, 0), opener: secure.NewOpener(keys.Receive),
		receiver: arq.NewReceiver(rtt), sender: arq.NewSender(base),
		keyExchange: keyExchange{keys: keys},
	}
	if isClient {
		s.sends, s.takes = s.takes, s.sends
	}
	return s
}

// handle takes one datagram. What is not authentic changes nothing; an error
// ends the session.
func (s *session) handle(now time.Time, datagram []byte) error {
	h, header, body, err := proto.ParseSealed(datagram)
	if err != nil || h.Kind != s.takes || h.Session != s.id {
		return nil
	}
	highest := proto.PacketNumber(s.opener.Highest())
	h.Number = h.Number.Expand(highest + 1)
	if s.kem != nil && s.opener.Updates(h.Phase) > 0 {
		s.keepUnopened(datagram)
		return nil
	}
	got, err := s.open(h, header, body)
	if err != nil {
		if errors.Is(err, secure.ErrTooManyForged) {
			return err
		}
		return nil
	}
	s.heard, s.unsent = now, nil
	s.datagrams++
	early := s.opener.Updates(h.Phase) == 0
	if !early {
		s.answer = nil
		if s.check != nil && s.from != s.addr {
			s.check.heard(now, s.from, len(datagram), h.Number > highest)
		}
	}
	if got.landed {
		if err := s.admit(proto.FrameSegment, early); err != nil {
			return err
		}
		return s.handleSegment(now, h.Number)
	}
	return s.handleFrames(now, h, got.plain, early, len(datagram))
}

// handleFrames takes the frames of a datagram that had length bytes.
func (s *session) handleFrames(now time.Time, h proto.SealedHeader, plain []byte, early bool, length int) error {
	asked := false
	for {
		t, frame, rest, err := proto.NextFrame(plain)
		if err != nil {
			return violation(err)
		}
		if frame == nil {
			return nil
		}
		if err := s.admit(t, early); err != nil {
			return err
		}
		if t == proto.FrameMTUProbe || t == proto.FramePathChallenge {
			if asked { // or one datagram could ask for hundreds of answers
				return violation(errors.New("two probes in a datagram"))
			}
			asked = true
		}
		switch t {
		case proto.FrameAck:
			err = s.handleAck(now, frame)
		case proto.FrameSegment:
			if s.segment, err = proto.ParseSegment(frame); err != nil {
				return violation(err)
			}
			err = s.handleSegment(now, h.Number)
		case proto.FrameMTUProbe:
			reply := proto.MTUReply{Size: uint16(length)}
			err = s.sendFrame(&reply)
		case proto.FrameMTUReply:
			err = s.handleMTUReply(frame)
		case proto.FrameClose:
			c, cerr := proto.ParseClose(frame)
			if cerr != nil {
				return violation(cerr)
			}
			return &errClosed{c}
		default:
			err = s.handleRare(now, t, frame)
		}
		if err != nil {
			return err
		}
		plain = rest
	}
}

func violation(err error) error { return fmt.Errorf("%w: %w", arq.ErrViolation, err) }

func (s *session) handleAck(now time.Time, frame []byte) error {
	if err := s.ack.Parse(frame); err != nil {
		return violation(err)
	}
	if err := s.sender.HandleAck(now, &s.ack); err != nil {
		return err
	}
	s.sealer.Confirm(uint64(s.ack.Latest))
	s.receiver.SetRTT(s.sender.Stats().SmoothedRTT)
	return nil
}

func (s *session) handleMTUReply(frame []byte) error {
	r, err := proto.ParseMTUReply(frame)
	if err != nil {
		return violation(err)
	}
	if s.mtu != nil && s.mtu.Confirm(int(r.Size)) {
		s.sender.SetSegment(s.mtu.Size() - segmentOverhead)
	}
	return nil
}

// handleSegment takes s.segment, which came in datagram pn.
func (s *session) handleSegment(now time.Time, pn proto.PacketNumber) error {
	seg := &s.segment
	if (seg.Request == proto.Control) != (seg.Channel == 0) {
		return violation(errors.New("the control stream has channel 0, and it alone"))
	}
	if seg.Request != proto.Control && !s.party.room(seg) {
		return s.refuse(now)
	}
	if seg.Repeat {
		s.repeated++
	}
	if seg.Request == proto.Control {
		s.control.Expand(seg)
		if !s.control.Reserve(seg.Offset, len(seg.Payload)) {
			return s.refuse(now)
		}
	}
	fresh, err := s.receiver.HandleSegment(now, pn, seg)
	if err != nil {
		return err
	}
	if s.receiver.AckFull() {
		if err := s.sendAck(now); err != nil {
			return err
		}
	}
	switch {
	case !fresh:
		return nil
	case seg.Request != proto.Control:
		s.party.place(seg)
		return nil
	}
	if err := s.control.Add(seg.Offset, seg.Payload); err != nil {
		return err
	}
	return s.messages(now)
}

// refuse leaves a segment to come again.
func (s *session) refuse(now time.Time) error {
	s.refused++
	s.receiver.Announce(now)
	return nil
}

// messages hands on the control messages that have come whole.
func (s *session) messages(now time.Time) error {
	for {
		m, rest, err := proto.NextMessage(s.control.Bytes())
		if err != nil {
			return violation(err)
		}
		s.control.Consume(rest)
		if m == nil {
			if more, err := s.control.More(); err != nil || !more {
				return err
			}
			continue
		}
		if err := s.party.message(now, m); err != nil {
			return err
		}
	}
}

// tell queues a control message.
func (s *session) tell(m proto.Message) error {
	var space [256]byte
	return s.sender.WriteControl(m.Append(space[:0]))
}

// flush sends all that may be sent now.
func (s *session) flush(now time.Time) error {
	if !s.mixed {
		return nil
	}
	for t, ok := s.sender.Poll(now); ok; t, ok = s.sender.Poll(now) {
		if err := s.sendBurst(&t); err != nil {
			return err
		}
	}
	if err := s.probeMTU(now); err != nil { // behind the first data, which may be small
		return err
	}
	if s.receiver.AckDue(now) {
		return s.sendAck(now)
	}
	return nil
}

// probeMTU sends the probes that are due, and falls back to short datagrams
// when nothing is heard.
func (s *session) probeMTU(now time.Time) error {
	if s.mtu == nil {
		return nil
	}
	if s.sender.Silent(now) && s.mtu.BlackHole(now) {
		s.sender.Shrink(s.mtu.Size() - segmentOverhead)
	}
	for size, ok := s.mtu.Poll(now); ok; size, ok = s.mtu.Poll(now) {
		if err := s.sendPadded(&proto.MTUProbe{Size: uint16(size)}, size); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) header(pn proto.PacketNumber) proto.SealedHeader {
	return proto.SealedHeader{Kind: s.sends, Phase: s.sealer.Phase(), Session: s.id, Number: pn}
}

func (s *session) sendAck(now time.Time) error {
	return s.sendFrame(s.receiver.Ack(now, s.party.credit()))
}

// write hands datagrams to the kernel. An error of the path or of this host
// counts as loss: what it says may be forged, and what matters shows in the
// acknowledgements. That this host takes no datagrams of a size is its own word.
func (s *session) write(out []byte, datagram int) error {
	if s.sealer.Spent() {
		return errKeySpent
	}
	datagram = min(datagram, len(out))
	err := s.conn.Write(out, datagram, s.addr)
	s.unsent = err
	switch {
	case errors.Is(err, net.ErrClosed):
		return err
	case errors.Is(err, udp.ErrTooLong) && s.mtu != nil && s.mtu.TooLong(time.Now(), datagram):
		s.sender.Shrink(s.mtu.Size() - segmentOverhead)
	}
	return nil
}

// nextTimeout returns when to flush if nothing arrives before, zero for never.
func (s *session) nextTimeout() time.Time {
	if !s.mixed {
		return time.Time{}
	}
	next := firstOf(s.sender.NextTimeout(), s.receiver.NextTimeout())
	if s.mtu != nil {
		next = firstOf(next, s.mtu.NextTimeout())
	}
	if s.check != nil {
		next = firstOf(next, s.check.nextTimeout())
	}
	return next
}

// firstOf returns the earlier of two times, where zero means never.
func firstOf(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
