package e2e

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// plainSession is a client's session made of packages secure, arq and proto alone,
// for what the command does not do: it fetches one file.
type plainSession struct {
	conn     udp.Conn
	id       proto.SessionID
	sealer   *secure.Sealer
	opener   *secure.Opener
	sender   *arq.Sender
	receiver *arq.Receiver
	control  arq.ControlReader
	credit   uint32

	place   func(seg *proto.Segment) // takes bytes that have not come before
	message func(m proto.Message) error
}

const (
	plainDatagram = 1472 // what the links carry
	plainOverhead = proto.SealedHeaderLen + proto.SegmentHeaderLen + secure.Overhead
	repeatAfter   = 500 * time.Millisecond // arbitrary: many round trips of the links here
)

// openSession makes the handshake with a server, and mixes the keys.
func openSession(server netip.AddrPort, credit uint32) (*plainSession, error) {
	conn, err := udp.Dial(server, udp.Options{})
	if err != nil {
		return nil, err
	}
	s := &plainSession{conn: conn, credit: credit}
	if err := s.handshake(); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *plainSession) handshake() error {
	id, err := secure.NewIdentity(nil)
	if err != nil {
		return err
	}
	h := proto.Hello{Version: proto.Version, ID: proto.HelloID(randomBits())}
	noise, err := secure.NewInitiator(secure.HandshakeConfig{Identity: id, Prologue: h.Prologue()})
	if err != nil {
		return err
	}
	if h.Noise, err = noise.WriteMessage(nil, nil); err != nil {
		return err
	}
	began := time.Now()
	var theirs proto.Welcome
	err = s.ask([][]byte{h.Append(nil)}, func(b []byte) (bool, error) {
		r, err := proto.ParseHelloReply(b)
		if err != nil || r.ID != h.ID {
			return false, nil
		}
		payload, err := noise.ReadMessage(nil, r.Noise)
		if err == nil {
			theirs, _, err = proto.ParseWelcome(payload)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	rtt := time.Since(began)
	s.id = theirs.Session
	ours := proto.Welcome{Session: proto.SessionID(randomBits()>>(64-proto.SessionIDBits) | 1), Credit: s.credit, MaxDatagram: plainDatagram, RTT: rtt}
	f := proto.Finish{Session: s.id}
	if f.Noise, err = noise.WriteMessage(nil, ours.Append(nil)); err != nil {
		return err
	}
	keys, err := noise.Keys()
	if err != nil {
		return err
	}
	s.sealer, s.opener, s.receiver = secure.NewSealer(keys.Send, 0), secure.NewOpener(keys.Receive), arq.NewReceiver(rtt)
	s.sender = arq.NewSender(arq.Config{
		SegmentBytes: plainDatagram - plainOverhead, OverheadBytes: plainOverhead, InitialRTT: rtt, Credit: int(theirs.Credit), Random: randomBits,
	})
	return s.mix(keys, f.Append(nil))
}

// mix sends the Finish and the KEM key until they are answered.
func (s *plainSession) mix(keys secure.Keys, finish []byte) error {
	kem, err := secure.NewKEM()
	if err != nil {
		return err
	}
	key := proto.KEMKey{Key: kem.Key()}
	return s.ask([][]byte{finish, s.seal(key.Append(nil))}, func(b []byte) (bool, error) {
		plain, _, err := s.open(b)
		if err != nil {
			return false, nil // of the next phase, say: it comes again
		}
		_, frame, _, err := proto.NextFrame(plain)
		if err != nil {
			return false, err
		}
		text, err := proto.ParseKEMText(frame)
		if err != nil {
			return false, err
		}
		mixed, err := kem.Mix(keys, text.Text)
		if err == nil {
			s.sealer.Advance(mixed.Send)
			s.opener.Expect(mixed.Receive)
		}
		return true, err
	})
}

// ask sends messages of the handshake, again from time to time, until one datagram
// is their answer.
func (s *plainSession) ask(messages [][]byte, answer func(b []byte) (bool, error)) error {
	end := time.Now().Add(startLimit)
	for time.Now().Before(end) {
		for _, b := range messages {
			if err := s.conn.Write(b, len(b), netip.AddrPort{}); err != nil {
				return err
			}
		}
		done := false
		for again := time.Now().Add(repeatAfter); !done && time.Now().Before(again); {
			err := s.read(again, func(b []byte) (err error) {
				if !done {
					done, err = answer(b)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		if done {
			return nil
		}
	}
	return errors.New("the handshake is not answered")
}

// read hands on the datagrams of one read, if any come by a time.
func (s *plainSession) read(by time.Time, take func(b []byte) error) error {
	msgs := []udp.Message{{Buf: make([]byte, udp.MaxRead)}}
	if err := s.conn.SetReadDeadline(by); err != nil {
		return err
	}
	n, err := s.conn.Read(msgs)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	for _, m := range msgs[:n] {
		for b := m.Buf[:m.N]; len(b) > 0; b = b[min(m.Segment, len(b)):] {
			if err := take(b[:min(m.Segment, len(b))]); err != nil {
				return err
			}
		}
	}
	return nil
}

// seal makes a datagram of frames.
func (s *plainSession) seal(frames []byte) []byte {
	number := s.sender.NextNumber()
	h := proto.SealedHeader{Kind: proto.KindClientSealed, Phase: s.sealer.Phase(), Session: s.id, Number: number}
	out := h.Append(nil)
	return s.sealer.Seal(out, out, frames, uint64(number))
}

func (s *plainSession) open(b []byte) ([]byte, proto.PacketNumber, error) {
	h, clear, body, err := proto.ParseSealed(b)
	if err != nil {
		return nil, 0, err
	}
	plain, err := s.opener.Open(nil, clear, body, h.Phase, uint64(h.Number))
	return plain, h.Number, err
}

// tell queues control messages.
func (s *plainSession) tell(messages ...proto.Message) error {
	for _, m := range messages {
		if err := s.sender.WriteControl(m.Append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// run drives the session until done says so, but for interopLimit at most.
func (s *plainSession) run(done func() bool) error {
	for end := time.Now().Add(interopLimit); !done(); {
		now := time.Now()
		if now.After(end) {
			return errors.New("it does not end")
		}
		if err := s.flush(now); err != nil {
			return err
		}
		next := now.Add(time.Second)
		for _, t := range []time.Time{s.sender.NextTimeout(), s.receiver.NextTimeout()} {
			if !t.IsZero() && t.Before(next) {
				next = t
			}
		}
		if err := s.read(next, s.handle); err != nil {
			return err
		}
		s.sender.HandleTimeout(time.Now())
	}
	return nil
}

// flush sends what may be sent now: segments of the control stream, and
// acknowledgements.
func (s *plainSession) flush(now time.Time) error {
	for t, ok := s.sender.Poll(now); ok; t, ok = s.sender.Poll(now) {
		number := t.First
		for mask := t.Mask; mask != 0; mask &= mask - 1 {
			i := bits.TrailingZeros64(mask)
			r := t.Bytes(i)
			seg := proto.Segment{
				Index: uint8(i), Count: uint8(t.Count), Repeat: t.Repeat, Channel: t.Channel, Burst: t.Burst,
				Request: t.Request, Offset: r.Start, Payload: s.sender.Control(r),
			}
			h := proto.SealedHeader{Kind: proto.KindClientSealed, Phase: s.sealer.Phase(), Session: s.id, Number: number}
			out := h.Append(nil)
			out = s.sealer.Seal(out, out, seg.Append(nil), uint64(number))
			if err := s.conn.Write(out, len(out), netip.AddrPort{}); err != nil {
				return err
			}
			number++
		}
	}
	if s.receiver.AckDue(now) || s.receiver.AckFull() {
		return s.acknowledge(now)
	}
	return nil
}

func (s *plainSession) acknowledge(now time.Time) error {
	return s.write(s.receiver.Ack(now, s.credit).Append(nil))
}

func (s *plainSession) write(frames []byte) error {
	out := s.seal(frames)
	return s.conn.Write(out, len(out), netip.AddrPort{})
}

// handle takes a datagram.
func (s *plainSession) handle(b []byte) error {
	now := time.Now()
	plain, number, err := s.open(b)
	for err == nil && len(plain) > 0 {
		var kind proto.FrameType
		var frame []byte
		if kind, frame, plain, err = proto.NextFrame(plain); err != nil || frame == nil {
			return err
		}
		switch kind {
		case proto.FrameAck:
			var ack proto.Ack
			if err = ack.Parse(frame); err == nil {
				err = s.sender.HandleAck(now, &ack)
			}
			s.sealer.Confirm(uint64(ack.Latest))
		case proto.FrameSegment:
			err = s.take(now, number, frame)
		case proto.FrameClose:
			c, _ := proto.ParseClose(frame)
			err = fmt.Errorf("closed by the server: %v %q", c.Code, c.Reason)
		}
		if err != nil {
			return err
		}
	}
	return nil // a datagram that cannot be opened is as good as lost
}

// take takes a segment of the control stream or of a file.
func (s *plainSession) take(now time.Time, number proto.PacketNumber, frame []byte) error {
	seg, err := proto.ParseSegment(frame)
	if err != nil {
		return err
	}
	fresh, err := s.receiver.HandleSegment(now, number, &seg)
	if err != nil || !fresh {
		return err
	}
	if seg.Request != proto.Control {
		s.place(&seg)
		return nil
	}
	return readControl(&s.control, &seg, s.message)
}

// close says goodbye.
func (s *plainSession) close() {
	c := proto.Close{Code: proto.CloseDone}
	_ = s.write(c.Append(nil)) // if it is lost the server finds out by silence
	s.conn.Close()
}

func randomBits() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
