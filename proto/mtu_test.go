package proto

import "testing"

func parseMTUProbe(b []byte) (encoder, error) { m, err := ParseMTUProbe(b); return &m, err }
func parseMTUReply(b []byte) (encoder, error) { m, err := ParseMTUReply(b); return &m, err }

func mtuProbeVectors() []vector {
	return []vector{{
		name: "of an Ethernet frame over IPv4",
		msg:  &MTUProbe{Size: 1472},
		wire: "04" + // type
			"05c0", // size
	}}
}

func mtuReplyVectors() []vector {
	return []vector{{name: "of the largest", msg: &MTUReply{Size: 65507}, wire: "05" + "ffe3"}}
}

func TestMTUProbe(t *testing.T) { testVectors(t, parseMTUProbe, mtuProbeVectors()) }
func TestMTUReply(t *testing.T) { testVectors(t, parseMTUReply, mtuReplyVectors()) }

func TestMalformedMTU(t *testing.T) {
	valid := mtuProbeVectors()[0].bytes(t)
	testMalformed(t, parseMTUProbe, valid, []malformed{
		{"empty", nil},
		{"a reply", with(valid, 0, byte(FrameMTUReply))},
	})
	valid = mtuReplyVectors()[0].bytes(t)
	testMalformed(t, parseMTUReply, valid, []malformed{
		{"empty", nil},
		{"a probe", with(valid, 0, byte(FrameMTUProbe))},
	})
}
