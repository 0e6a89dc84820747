package proto

import (
	"encoding/binary"

	"chunkcp/internal/rangeset"
)

// MaxName is the length in bytes of the longest file name of an Open, that of
// Linux's PATH_MAX.
const MaxName = 4096

// MaxMessage is the length in bytes of the longest control message.
const MaxMessage = messageHeaderLen + 4 + MaxName

const messageHeaderLen = 3

// MessageType is the first byte of a control message.
type MessageType uint8

// The types of control messages.
const (
	MessageOpen   MessageType = 0x01
	MessageGet    MessageType = 0x02
	MessageCancel MessageType = 0x03
	MessagePing   MessageType = 0x04
	MessageDrop   MessageType = 0x05
	MessageTree   MessageType = 0x06
	MessagePace   MessageType = 0x07
	MessageOpened MessageType = 0x41
	MessageFailed MessageType = 0x42
	MessageHashes MessageType = 0x43
	MessageRoot   MessageType = 0x44

	messageExtension MessageType = 0x80 // and above
)

// Message is a control message.
type Message interface {
	// Append appends the message to dst.
	Append(dst []byte) []byte
}

// Open asks for the file Name, to be called ID from now on.
type Open struct {
	ID   ID
	Name string // slash-separated, relative to the server's root; at most MaxName bytes
}

// Get asks for the bytes Range of the file that Open called File.
type Get struct {
	ID, File ID
	Range    rangeset.Range // not empty, Start not below 0, MaxGetBytes at most
}

// Cancel asks that no more of the Get called ID be sent.
type Cancel struct{ ID ID }

// Drop asks that no more of the bytes Range be sent of the Get called ID.
type Drop struct {
	ID    ID
	Range rangeset.Range // not empty, Start not below 0
}

// Ping asks for nothing but its acknowledgement.
type Ping struct{}

// FileVersion names one state of one file of one server.
type FileVersion [16]byte

// Opened answers an Open.
type Opened struct {
	ID      ID
	Size    int64 // bytes
	Version FileVersion
}

// Failed answers an Open or a Get that cannot be served, or no further.
type Failed struct {
	ID     ID
	Code   FailCode
	Reason string // cut to MaxReason bytes
}

// FailCode says why a request failed.
type FailCode uint16

// The codes of a Failed.
const (
	FailNotFound FailCode = 1 // no such file to be served
	FailRefused  FailCode = 2 // there is one, but not for this client
	FailChanged  FailCode = 3 // the file changed while it was served
	FailBusy     FailCode = 4 // a limit is reached
	FailIO       FailCode = 5 // the server cannot read it
	FailRequest  FailCode = 6 // the request makes no sense
)

func appendMessage(dst []byte, t MessageType, length int, id ID) []byte {
	dst = append(dst, byte(t))
	dst = binary.BigEndian.AppendUint16(dst, uint16(length))
	return binary.BigEndian.AppendUint32(dst, uint32(id))
}

func appendRange(dst []byte, r rangeset.Range) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Start))
	return binary.BigEndian.AppendUint64(dst, uint64(r.End))
}

func (m *Open) Append(dst []byte) []byte {
	return append(appendMessage(dst, MessageOpen, 4+len(m.Name), m.ID), m.Name...)
}

func (m *Get) Append(dst []byte) []byte {
	dst = appendMessage(dst, MessageGet, 24, m.ID)
	dst = binary.BigEndian.AppendUint32(dst, uint32(m.File))
	return appendRange(dst, m.Range)
}

func (m *Cancel) Append(dst []byte) []byte { return appendMessage(dst, MessageCancel, 4, m.ID) }

func (m *Drop) Append(dst []byte) []byte {
	return appendRange(appendMessage(dst, MessageDrop, 20, m.ID), m.Range)
}

func (m *Ping) Append(dst []byte) []byte { return append(dst, byte(MessagePing), 0, 0) }

func (m *Opened) Append(dst []byte) []byte {
	dst = appendMessage(dst, MessageOpened, 28, m.ID)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Size))
	return append(dst, m.Version[:]...)
}

func (m *Failed) Append(dst []byte) []byte {
	reason := cutReason(m.Reason)
	dst = appendMessage(dst, MessageFailed, 6+len(reason), m.ID)
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.Code))
	return append(dst, reason...)
}

// NextMessage parses the first control message of b that this version knows,
// past extensions. Where b ends before a message does, the message is nil and
// rest is what to keep until more bytes have come.
func NextMessage(b []byte) (m Message, rest []byte, err error) {
	for len(b) >= messageHeaderLen {
		t, n := MessageType(b[0]), messageHeaderLen+int(binary.BigEndian.Uint16(b[1:]))
		if n > MaxMessage {
			return nil, nil, ErrMalformed
		}
		if n > len(b) {
			break
		}
		if t < messageExtension {
			m, err := parseMessage(t, b[messageHeaderLen:n])
			return m, b[n:], err
		}
		b = b[n:]
	}
	return nil, b, nil
}

func parseMessage(t MessageType, body []byte) (m Message, err error) {
	r := reader{b: body}
	switch t {
	case MessageOpen:
		m = &Open{ID: r.id(), Name: string(r.rest())}
	case MessageGet:
		g := &Get{ID: r.id(), File: r.id(), Range: rangeset.Range{Start: r.offset(), End: r.offset()}}
		if g.Range.Empty() || g.Range.Len() > MaxGetBytes {
			return nil, ErrMalformed
		}
		m = g
	case MessageCancel:
		m = &Cancel{ID: r.id()}
	case MessagePing:
		m = &Ping{}
	case MessageDrop:
		d := &Drop{ID: r.id(), Range: rangeset.Range{Start: r.offset(), End: r.offset()}}
		if d.Range.Empty() {
			return nil, ErrMalformed
		}
		m = d
	case MessageTree:
		t := &Tree{File: r.id(), Pieces: rangeset.Range{Start: r.offset(), End: r.offset()}}
		if t.Pieces.End < t.Pieces.Start {
			return nil, ErrMalformed
		}
		m = t
	case MessageOpened:
		o := &Opened{ID: r.id(), Size: r.offset()}
		copy(o.Version[:], r.take(len(o.Version)))
		m = o
	case MessageFailed:
		f := &Failed{ID: r.id(), Code: FailCode(r.u16()), Reason: string(r.rest())}
		if len(f.Reason) > MaxReason {
			return nil, ErrMalformed
		}
		m = f
	case MessagePace:
		p := &Pace{Manner: Manner(r.u8()), BytesPerSec: r.offset()}
		if p.Manner > Background || p.BytesPerSec == 0 {
			return nil, ErrMalformed
		}
		m = p
	case MessageHashes:
		m = parseHashes(&r)
	case MessageRoot:
		o := &Root{File: r.id()}
		copy(o.Root[:], r.take(HashLen))
		m = o
	default:
		return nil, ErrMalformed
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return m, nil
}
