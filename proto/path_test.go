package proto

import "testing"

func parsePathChallenge(b []byte) (encoder, error) { m, err := ParsePathChallenge(b); return &m, err }
func parsePathResponse(b []byte) (encoder, error)  { m, err := ParsePathResponse(b); return &m, err }

func pathChallengeVectors() []vector {
	return []vector{{
		name: "a challenge",
		msg:  &PathChallenge{Data: PathData{1, 2, 3, 4, 5, 6, 7, 8}},
		wire: "08" + // type
			"0102030405060708", // data
	}}
}

func pathResponseVectors() []vector {
	return []vector{{
		name: "a response",
		msg:  &PathResponse{Data: PathData{0xff, 0xfe, 0xfd, 0xfc, 0, 0, 0, 0}},
		wire: "09" + "fffefdfc00000000",
	}}
}

func TestPathChallenge(t *testing.T) { testVectors(t, parsePathChallenge, pathChallengeVectors()) }
func TestPathResponse(t *testing.T)  { testVectors(t, parsePathResponse, pathResponseVectors()) }

func TestMalformedPath(t *testing.T) {
	valid := pathChallengeVectors()[0].bytes(t)
	testMalformed(t, parsePathChallenge, valid, []malformed{
		{"empty", nil},
		{"a response", with(valid, 0, byte(FramePathResponse))},
	})
	valid = pathResponseVectors()[0].bytes(t)
	testMalformed(t, parsePathResponse, valid, []malformed{
		{"empty", nil},
		{"a challenge", with(valid, 0, byte(FramePathChallenge))},
	})
}

func FuzzPathChallenge(f *testing.F) { fuzzRoundTrip(f, parsePathChallenge, pathChallengeVectors()) }
func FuzzPathResponse(f *testing.F)  { fuzzRoundTrip(f, parsePathResponse, pathResponseVectors()) }
