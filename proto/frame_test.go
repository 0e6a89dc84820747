package proto

import (
	"bytes"
	"slices"
	"testing"
)

// parseFrame parses a frame of the type that NextFrame gave it.
func parseFrame(t FrameType, frame []byte) (encoder, error) {
	switch t {
	case FrameAck:
		return parseAck(frame)
	case FrameSegment:
		return parseSegment(frame)
	case FrameClose:
		return parseClose(frame)
	case FrameMTUProbe:
		return parseMTUProbe(frame)
	case FrameMTUReply:
		return parseMTUReply(frame)
	case FrameKEMKey:
		return parseKEMKey(frame)
	case FrameKEMText:
		return parseKEMText(frame)
	case FramePathChallenge:
		return parsePathChallenge(frame)
	case FramePathResponse:
		return parsePathResponse(frame)
	}
	panic("BUG: NextFrame returned a frame of no known type")
}

// typeOf returns the type of a frame by doc.go.
func typeOf(frame []byte) FrameType {
	if t := FrameType(frame[0]); t < 0x40 || t > 0x7f {
		return t
	}
	return FrameSegment
}

// frames splits a datagram's body into copies of its frames.
func frames(b []byte) ([]string, error) {
	var all []string
	for {
		_, frame, rest, err := NextFrame(b)
		if err != nil || frame == nil {
			return all, err
		}
		all, b = append(all, string(frame)), rest
	}
}

func frameVectors() []vector {
	return slices.Concat(ackVectors(), closeVectors(), mtuProbeVectors(), mtuReplyVectors(), segmentVectors(),
		kemKeyVectors(), kemTextVectors(), pathChallengeVectors(), pathResponseVectors())
}

func TestNextFrame(t *testing.T) {
	ack, cls, seg := ackVectors()[0].bytes(t), closeVectors()[1].bytes(t), segmentVectors()[0].bytes(t)
	const padding = "\x00\x00\x00"
	for _, tt := range []struct {
		name string
		body []string
		want []string
	}{
		{"nothing", nil, nil},
		{"padding only", []string{padding}, nil},
		{"one of each", []string{string(ack), string(cls), string(seg)}, []string{string(ack), string(cls), string(seg)}},
		{"padding everywhere", []string{padding, string(ack), padding, string(cls), padding}, []string{string(ack), string(cls)}},
		{"a segment reaches to the end", []string{string(seg), padding, string(ack)}, []string{string(seg) + padding + string(ack)}},
		{"extension first", []string{"\x80\x00\x02\x01\x01", string(seg)}, []string{string(seg)}},
		{"extension between", []string{string(ack), "\xff\x00\x01\x02", string(cls)}, []string{string(ack), string(cls)}},
		{"extension last", []string{string(ack), "\x80\x00\x01\x02"}, []string{string(ack)}},
		{"extension of no bytes, last", []string{string(ack), "\x80\x00\x00"}, []string{string(ack)}},
		{"extensions only", []string{"\x80\x00\x00", "\xc3\x00\x04aaaa"}, nil},
		{"extension of the most bytes", []string{"\x81\xff\xff" + string(make([]byte, 65535)), string(ack)}, []string{string(ack)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var body []byte
			for _, s := range tt.body {
				body = append(body, s...)
			}
			got, err := frames(body)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("frames %x, %v; want %x", got, err, tt.want)
			}
		})
	}
}

func TestNextFrameMalformed(t *testing.T) {
	ack := ackVectors()[0].bytes(t)
	rows := []malformed{
		{"extension of a type only", []byte{0x80}},
		{"extension cut in its length", []byte{0x80, 0}},
		{"extension cut in its bytes", []byte{0x80, 0, 2, 1}},
		{"extension of all bytes, cut", []byte{0xff, 0xff, 0xff}},
		{"ack of 255 entries without them", with(ack, 1, 255)[:AckHeaderLen]},
		{"ack of 255 entries with two of them", with(ack, 1, 255)},
		{"close of 255 bytes without them", []byte{3, 0, 0, 255}},
	}
	rows = append(rows, malformed{"the type that a segment had once", []byte{2, 0, 1, 0}})
	for typ := int(FramePathResponse) + 1; typ < int(FrameSegment); typ++ {
		rows = append(rows, malformed{"unknown type below 0x80", []byte{byte(typ), 0, 1, 0}})
	}
	for _, row := range rows {
		for _, before := range [][]byte{nil, {0}, ack, {0x80, 0, 0}} {
			_, err := frames(slices.Concat(before, row.wire))
			wantMalformed(t, err, "%s, after %x: %x", row.why, before, row.wire)
		}
	}
}

func TestNextFrameTruncated(t *testing.T) {
	for _, v := range frameVectors() {
		wire := v.bytes(t)
		for n := 1; n < len(wire); n++ {
			typ, frame, _, err := NextFrame(wire[:n:n])
			if typ == FrameSegment { // of any length: its own parser judges it
				if err != nil || len(frame) != n {
					t.Errorf("%s: the first %d bytes: %x, %v", v.name, n, frame, err)
				}
				continue
			}
			wantMalformed(t, err, "%s: the first %d of %d bytes", v.name, n, len(wire))
		}
	}
}

// A frame that is written to does not reach into the next.
func TestFramesDoNotOverlap(t *testing.T) {
	b := append(closeVectors()[0].bytes(t), ackVectors()[1].bytes(t)...)
	before := slices.Clone(b)
	_, frame, _, err := NextFrame(b)
	if err != nil {
		t.Fatal(err)
	}
	if _ = append(frame, 0xee); !bytes.Equal(b, before) {
		t.Errorf("appending to the first frame changed the second: %x", b)
	}
}

func FuzzNextFrame(f *testing.F) {
	for _, v := range frameVectors() {
		f.Add(v.bytes(f))
		f.Add(append([]byte{0, 0x80, 0, 1, 7}, v.bytes(f)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			typ, frame, rest, err := NextFrame(b)
			if err != nil {
				if wantMalformed(t, err, "%x", b); frame != nil || rest != nil {
					t.Fatalf("%x: an error with the frame %x and the rest %x", b, frame, rest)
				}
				return
			}
			if frame == nil {
				if len(rest) != 0 {
					t.Fatalf("%x: no frame, but the rest %x", b, rest)
				}
				return
			}
			used := b[:len(b)-len(rest)]
			if len(used) == 0 || !bytes.HasSuffix(used, frame) || !bytes.HasSuffix(b, rest) || typeOf(frame) != typ {
				t.Fatalf("%x was split into the frame %x of type %d and the rest %x", b, frame, typ, rest)
			}
			if m, err := parseFrame(typ, frame); err == nil && !bytes.Equal(m.Append(nil), frame) {
				t.Fatalf("%+v was parsed from\n%x and encodes to\n%x", m, frame, m.Append(nil))
			}
			b = rest
		}
	})
}

// What a frame's own parser takes, NextFrame takes for exactly that frame.
func FuzzFrameLength(f *testing.F) {
	for _, v := range frameVectors() {
		f.Add(v.bytes(f), []byte{0})
	}
	f.Fuzz(func(t *testing.T, b, after []byte) {
		if len(b) == 0 || FrameType(b[0]) != FrameAck && FrameType(b[0]) != FrameClose {
			return
		}
		if _, err := parseFrame(FrameType(b[0]), b); err != nil {
			return
		}
		_, frame, rest, err := NextFrame(append(slices.Clone(b), after...))
		if err != nil || !bytes.Equal(frame, b) || !bytes.Equal(rest, after) {
			t.Fatalf("%x, then %x was split into %x, then %x, %v", b, after, frame, rest, err)
		}
	})
}
