package peer

import (
	"errors"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// keyExchange is the part of a session that mixes ML-KEM-768 into its keys. No
// file byte, and no acknowledgement of one, is sent or taken before it is done; a
// peer that tries ends the session. It costs no round trip: the client's half
// follows its last handshake message, the server's half leads its first bytes.
type keyExchange struct {
	keys   secure.Keys // of phase 0, until they are mixed
	mixed  bool        // this side has the keys of phase 1
	kem    *secure.KEM // a client's, until it is answered
	answer []byte      // a server's datagram, until the client is heard in phase 1

	unopened tooSoon[[]byte] // a client's, of phase 1, until it has the keys
}

var (
	errSkipsExchange = errors.New("the peer skips the exchange of ML-KEM keys")
	errLateExchange  = errors.New("ML-KEM keys in a later phase than the first")
)

// errKeySpent ends a session whose peer answers nothing, so that the key cannot be
// updated.
var errKeySpent = errors.New("key used up, and the peer does not let it be changed")

// handleRare takes a frame that does not come with the bytes of a file.
func (s *session) handleRare(now time.Time, t proto.FrameType, frame []byte) error {
	switch t {
	case proto.FrameKEMKey:
		return s.handleKEMKey(frame)
	case proto.FrameKEMText:
		return s.handleKEMText(frame)
	case proto.FramePathChallenge:
		return s.handleChallenge(frame)
	case proto.FramePathResponse:
		return s.handleResponse(now, frame)
	}
	return nil
}

// admit checks that a frame may come in its phase: the first is for the
// exchange, and for it only.
func (s *session) admit(t proto.FrameType, early bool) error {
	exchange := t == proto.FrameKEMKey || t == proto.FrameKEMText
	switch {
	case t == proto.FrameClose || exchange == early:
		return nil
	case early:
		return violation(errSkipsExchange)
	}
	return violation(errLateExchange)
}

// sendKEMKey sends the client's half.
func (s *session) sendKEMKey() error { return s.sendFrame(&proto.KEMKey{Key: s.kem.Key()}) }

// handleKEMKey answers the client's half, each time with the same datagram: the
// client can open it only once.
func (s *session) handleKEMKey(frame []byte) error {
	k, err := proto.ParseKEMKey(frame)
	if err != nil {
		return violation(err)
	}
	if s.sends != proto.KindServerSealed {
		return violation(errors.New("a server does not send a KEM key"))
	}
	if !s.mixed {
		text, mixed, err := s.keys.Encapsulate(k.Key)
		if err != nil {
			return violation(err)
		}
		s.answer = s.sealPadded(nil, &proto.KEMText{Text: text}, 0)
		s.mix(mixed)
	}
	if s.answer == nil { // the client has it: this one was overtaken
		return nil
	}
	return s.write(s.answer, len(s.answer))
}

// handleKEMText takes the server's half.
func (s *session) handleKEMText(frame []byte) error {
	t, err := proto.ParseKEMText(frame)
	if err != nil {
		return violation(err)
	}
	if s.sends != proto.KindClientSealed {
		return violation(errors.New("a client does not send a KEM text"))
	}
	if s.mixed {
		return nil
	}
	mixed, err := s.kem.Mix(s.keys, t.Text)
	if err != nil {
		return violation(err)
	}
	s.kem = nil
	s.mix(mixed)
	return nil
}

// mix begins phase 1, in which this side sends from now on.
func (s *session) mix(keys secure.Keys) {
	s.sealer.Advance(keys.Send)
	s.opener.Expect(keys.Receive)
	s.keys, s.mixed = secure.Keys{}, true
}
