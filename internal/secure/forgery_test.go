package secure

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/flynn/noise"
)

// lowOrder are the points whose product with any X25519 secret is zero, in
// every encoding below 2^255 (https://cr.yp.to/ecdh.html#validate).
var lowOrder = [][]byte{
	make([]byte, 32),
	append([]byte{1}, make([]byte, 31)...),
	{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
	{0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
	slices.Concat([]byte{0xec}, bytes.Repeat([]byte{0xff}, 30), []byte{0x7f}),
	slices.Concat([]byte{0xed}, bytes.Repeat([]byte{0xff}, 30), []byte{0x7f}),
	slices.Concat([]byte{0xee}, bytes.Repeat([]byte{0xff}, 30), []byte{0x7f}),
}

// forgeries returns every message that differs from msg in one byte, and all truncations of it.
func forgeries(msg []byte) [][]byte {
	var all [][]byte
	for i := range msg {
		flipped := bytes.Clone(msg)
		flipped[i] ^= 1
		all = append(all, flipped, msg[:i])
	}
	return append(all, append(bytes.Clone(msg), 0), make([]byte, noise.MaxMsgLen+1))
}

func wantRefused(t *testing.T, h *Handshake, msg []byte) {
	t.Helper()
	if got, err := h.ReadMessage(nil, msg); !errors.Is(err, ErrNotAuthentic) {
		t.Fatalf("forged message %x read as %q, %v; want ErrNotAuthentic", msg[:min(len(msg), 100)], got, err)
	}
}

// TestForgedMessagesChangeNothing: the genuine message completes the handshake
// after any number of forged ones, of messages 2 and 3, with either pattern.
func TestForgedMessagesChangeNothing(t *testing.T) {
	for name, psk := range map[string][]byte{"XX": nil, "XXpsk0": bytes.Repeat([]byte{9}, PSKLen)} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, psk)
			p.step(p.initiator, p.responder, "hello")

			second := p.write(p.responder, "cookie")
			for _, forged := range forgeries(second) {
				wantRefused(t, p.initiator, forged)
				if p.initiator.PeerKey() != (PublicKey{}) {
					t.Fatal("a forged message left a peer key")
				}
			}
			for _, point := range lowOrder {
				wantRefused(t, p.initiator, slices.Concat(point, second[keyLen:]))
			}
			p.read(p.initiator, second, "cookie")

			third := p.write(p.initiator, "request")
			for _, forged := range forgeries(third) {
				wantRefused(t, p.responder, forged)
			}
			p.read(p.responder, third, "request")
			p.wantComplete()
		})
	}
}

// TestPSKMismatch: a server with a pre-shared key learns nothing from a
// message 1 made without it, and has nothing to answer.
func TestPSKMismatch(t *testing.T) {
	right, wrong := bytes.Repeat([]byte{9}, PSKLen), bytes.Repeat([]byte{8}, PSKLen)
	for name, psk := range map[string][]byte{"none": nil, "another": wrong} {
		p, stranger := newPair(t, right), newPair(t, psk)
		hello := stranger.write(stranger.initiator, "a hello long enough to be taken for one")
		wantRefused(t, p.responder, hello)
		if _, err := p.responder.WriteMessage(nil, nil); !errors.Is(err, ErrOutOfTurn) {
			t.Errorf("with %s: the responder answers a stranger: %v", name, err)
		}
		// It is still there for a client that has the key.
		p.step(p.initiator, p.responder, "hello")
	}
}

func TestPrologueMismatch(t *testing.T) {
	p := newPair(t, nil)
	p.server.Prologue = []byte("chunkcp test 2")
	var err error
	if p.responder, err = NewResponder(p.server); err != nil {
		t.Fatal(err)
	}
	p.step(p.initiator, p.responder, "hello") // nothing authenticates message 1 yet
	wantRefused(t, p.initiator, p.write(p.responder, ""))
}

// TestLowOrderEphemeral: a client's point that would make the secret a
// constant is refused before anything is sealed with it.
func TestLowOrderEphemeral(t *testing.T) {
	for _, point := range lowOrder {
		p := newPair(t, nil)
		p.read(p.responder, append(bytes.Clone(point), "hello"...), "hello")
		if msg, err := p.responder.WriteMessage(nil, nil); err == nil {
			t.Errorf("point %x was answered with %x", point, msg)
		}
		if _, err := p.responder.ReadMessage(nil, make([]byte, 64)); err == nil || errors.Is(err, ErrNotAuthentic) {
			t.Errorf("point %x: the broken handshake goes on: %v", point, err)
		}
	}
}

// TestLowOrderStatic: one who saw message 1 can seal a point of low order as
// its static key. That must not keep the genuine server out.
func TestLowOrderStatic(t *testing.T) {
	for _, point := range lowOrder {
		p := newPair(t, nil)
		hello := p.step(p.initiator, p.responder, "hello")
		attacker, err := noise.NewHandshakeState(noise.Config{
			CipherSuite:   noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256),
			Pattern:       noise.HandshakeXX,
			Prologue:      p.client.Prologue,
			StaticKeypair: noise.DHKey{Private: bytes.Repeat([]byte{7}, 32), Public: point},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := attacker.ReadMessage(nil, hello); err != nil {
			t.Fatal(err)
		}
		forged, _, _, err := attacker.WriteMessage(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantRefused(t, p.initiator, forged)
		p.step(p.responder, p.initiator, "cookie")
		p.step(p.initiator, p.responder, "request")
		p.wantComplete()
	}
}

// TestMessagesOutOfTurn: the network repeats messages, and a repeated one is no failure of the handshake.
func TestMessagesOutOfTurn(t *testing.T) {
	p := newPair(t, nil)
	outOfTurn := func(h *Handshake, msg []byte) {
		t.Helper()
		if _, err := h.ReadMessage(nil, msg); !errors.Is(err, ErrOutOfTurn) {
			t.Errorf("read out of turn: %v", err)
		}
	}
	if _, err := p.responder.WriteMessage(nil, nil); !errors.Is(err, ErrOutOfTurn) {
		t.Errorf("the responder spoke first: %v", err)
	}
	first := p.write(p.initiator, "hello")
	p.read(p.responder, first, "hello")
	outOfTurn(p.responder, first)
	second := p.step(p.responder, p.initiator, "cookie")
	outOfTurn(p.initiator, second)
	third := p.step(p.initiator, p.responder, "request")
	outOfTurn(p.responder, third)
	outOfTurn(p.initiator, second)
	if _, err := p.initiator.WriteMessage(nil, nil); !errors.Is(err, ErrOutOfTurn) {
		t.Errorf("a fourth message: %v", err)
	}
	p.wantComplete()
}

func TestHandshakePayloadTooLong(t *testing.T) {
	p := newPair(t, nil)
	if _, err := p.initiator.WriteMessage(nil, make([]byte, noise.MaxMsgLen-keyLen+1)); err == nil {
		t.Error("a message longer than Noise allows was written")
	}
	p = newPair(t, nil)
	p.step(p.initiator, p.responder, string(make([]byte, noise.MaxMsgLen-keyLen)))
}

// FuzzInitiatorRead: nothing but the genuine message 2 is taken for it, and
// nothing keeps that from being read.
func FuzzInitiatorRead(f *testing.F) {
	p := newPair(f, nil)
	p.step(p.initiator, p.responder, "hello")
	f.Add(p.write(p.responder, "cookie"))
	f.Add([]byte{})
	f.Add(make([]byte, 96))
	f.Fuzz(func(t *testing.T, msg []byte) {
		p := newPair(t, nil)
		p.step(p.initiator, p.responder, "hello")
		second := p.write(p.responder, "cookie")
		if !bytes.Equal(msg, second) {
			wantRefused(t, p.initiator, msg)
		}
		p.read(p.initiator, second, "cookie")
		p.step(p.initiator, p.responder, "request")
		p.wantComplete()
	})
}

// FuzzResponderRead: the same for message 3; and as message 1 anything must at most be answered.
func FuzzResponderRead(f *testing.F) {
	p := newPair(f, nil)
	p.step(p.initiator, p.responder, "hello")
	p.step(p.responder, p.initiator, "cookie")
	f.Add(p.write(p.initiator, "request"))
	f.Add([]byte{})
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, msg []byte) {
		p := newPair(t, nil)
		if _, err := p.responder.ReadMessage(nil, msg); err == nil {
			p.responder.WriteMessage(nil, nil) // may fail: the point may have low order
		}
		p = newPair(t, nil)
		p.step(p.initiator, p.responder, "hello")
		p.step(p.responder, p.initiator, "cookie")
		third := p.write(p.initiator, "request")
		if !bytes.Equal(msg, third) {
			wantRefused(t, p.responder, msg)
		}
		p.read(p.responder, third, "request")
		p.wantComplete()
	})
}

// TestAgain: an answer of somebody else, with a key of its own, is read and is not
// the end: the genuine one completes the handshake after it, with either pattern.
func TestAgain(t *testing.T) {
	for name, psk := range map[string][]byte{"XX": nil, "XXpsk0": bytes.Repeat([]byte{9}, PSKLen)} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, psk)
			if again, err := p.responder.Again(); !errors.Is(err, ErrOutOfTurn) {
				t.Errorf("a responder again: %v, %v", again, err)
			}
			hello := p.step(p.initiator, p.responder, "hello")
			thief, err := NewResponder(HandshakeConfig{Identity: testIdentity(t, 3), Prologue: p.server.Prologue, PSK: psk})
			if err != nil {
				t.Fatal(err)
			}
			p.read(thief, hello, "hello")
			p.read(p.initiator, p.write(thief, "mine"), "mine")
			if key := p.initiator.PeerKey(); key != testIdentity(t, 3).PublicKey() {
				t.Fatalf("the answer is of %v", key)
			}
			spent := p.initiator
			if p.initiator, err = spent.Again(); err != nil {
				t.Fatal(err)
			}
			if p.initiator.PeerKey() != (PublicKey{}) {
				t.Error("it knows the peer already")
			}
			p.step(p.responder, p.initiator, "cookie")
			p.step(p.initiator, p.responder, "request")
			p.wantComplete()
			if _, err := p.initiator.Again(); !errors.Is(err, ErrOutOfTurn) {
				t.Errorf("the ephemeral key has outlived the handshake: %v", err)
			}
		})
	}
}

// TestSpoiledMessages: which forgeries of message 3 took a Diffie-Hellman exchange
// to find out is told.
func TestSpoiledMessages(t *testing.T) {
	p := newPair(t, nil)
	p.step(p.initiator, p.responder, "hello")
	p.step(p.responder, p.initiator, "cookie")
	third := p.write(p.initiator, "request")
	for i := range third {
		forged := bytes.Clone(third)
		forged[i] ^= 1
		_, err := p.responder.ReadMessage(nil, forged)
		if late := i >= keyLen+tagLen; !errors.Is(err, ErrNotAuthentic) || errors.Is(err, ErrSpoiled) != late {
			t.Errorf("byte %d of the message changed: %v", i, err)
		}
	}
	p.read(p.responder, third, "request")
	p.wantComplete()
}
