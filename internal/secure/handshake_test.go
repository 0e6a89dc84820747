package secure

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/flynn/noise"
)

// seeded returns a stream of bytes that depends on seed only.
func seeded(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func testIdentity(t testing.TB, seed byte) *Identity {
	t.Helper()
	id, err := NewIdentity(seeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// pair is a client and a server about to shake hands, the same ones each time.
type pair struct {
	t                    testing.TB
	client, server       HandshakeConfig
	initiator, responder *Handshake
}

func newPair(t testing.TB, psk []byte) *pair {
	t.Helper()
	p := &pair{t: t,
		client: HandshakeConfig{Identity: testIdentity(t, 1), Prologue: []byte("chunkcp test"), PSK: psk, Rand: seeded(11)},
		server: HandshakeConfig{Identity: testIdentity(t, 2), Prologue: []byte("chunkcp test"), PSK: psk, Rand: seeded(12)},
	}
	var err error
	if p.initiator, err = NewInitiator(p.client); err != nil {
		t.Fatal(err)
	}
	if p.responder, err = NewResponder(p.server); err != nil {
		t.Fatal(err)
	}
	return p
}

// step has from write a message with payload and to read it.
func (p *pair) step(from, to *Handshake, payload string) []byte {
	p.t.Helper()
	msg := p.write(from, payload)
	p.read(to, msg, payload)
	return msg
}

func (p *pair) write(from *Handshake, payload string) []byte {
	p.t.Helper()
	want := from.MessageOverhead() + len(payload)
	msg, err := from.WriteMessage(nil, []byte(payload))
	if err != nil {
		p.t.Fatalf("write %q: %v", payload, err)
	}
	if len(msg) != want {
		p.t.Errorf("message with %q has %d bytes, MessageOverhead promised %d", payload, len(msg), want)
	}
	return msg
}

func (p *pair) read(to *Handshake, msg []byte, want string) {
	p.t.Helper()
	got, err := to.ReadMessage([]byte("kept, "), msg)
	if err != nil {
		p.t.Fatalf("read the message with %q: %v", want, err)
	}
	if string(got) != "kept, "+want {
		p.t.Errorf("read %q, want %q appended to what was there", got, want)
	}
}

// wantComplete checks that both sides are done, know each other and share keys.
func (p *pair) wantComplete() {
	p.t.Helper()
	i, err := p.initiator.Keys()
	r, err2 := p.responder.Keys()
	if err := errors.Join(err, err2); err != nil {
		p.t.Fatal(err)
	}
	if i.Send != r.Receive || i.Receive != r.Send || i.Binding != r.Binding {
		p.t.Error("the sides hold different keys")
	}
	if i.Send == i.Receive || i.Send == [32]byte{} || i.Binding == [32]byte{} {
		p.t.Error("the keys of the two directions are the same, or zero")
	}
	if p.initiator.PeerKey() != p.server.Identity.PublicKey() || p.responder.PeerKey() != p.client.Identity.PublicKey() {
		p.t.Error("a side does not know whom it spoke to")
	}
}

func TestHandshake(t *testing.T) {
	for name, psk := range map[string][]byte{"XX": nil, "XXpsk0": bytes.Repeat([]byte{9}, PSKLen)} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, psk)
			var nobody PublicKey
			p.step(p.initiator, p.responder, "hello")
			if p.responder.PeerKey() != nobody {
				t.Error("the responder claims to know the initiator by message 1")
			}
			p.step(p.responder, p.initiator, "who are you?")
			if p.initiator.PeerKey() != p.server.Identity.PublicKey() {
				t.Error("the initiator has to decide on message 3 without the responder's key")
			}
			if _, err := p.initiator.Keys(); err == nil || p.initiator.Done() {
				t.Error("the initiator is done before message 3")
			}
			p.step(p.initiator, p.responder, "one file, please")
			p.wantComplete()
			if n := p.initiator.MessageOverhead(); n != 0 {
				t.Errorf("a done handshake has a next message of %d bytes", n)
			}
		})
	}
}

// TestHandshakeVectors: the messages are those of vectors.txt of
// github.com/flynn/noise v1.1.0, and the keys are those that its transport
// messages are sealed with.
func TestHandshakeVectors(t *testing.T) {
	type vector struct {
		name, prologue, psk string
		messages            [3]string
		transport           [2]string
	}
	const e1 = "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254" // public half of the initiator's ephemeral key
	const e2 = "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466" // the responder's
	for _, v := range []vector{{
		name:     "Noise_XX_25519_AESGCM_SHA256",
		prologue: "6e6f74736563726574",
		messages: [3]string{
			e1 + "746573745f6d73675f30",
			e2 + "5393019dbd6f438795da206db0886610b26108e424142c2e9b5fd1f7ea70cde847f6866f15c3cd3f864f7ed682f1711a4917917195c8cf360e080035dfa88af5c6e9b820278e6016f7d7",
			"e610eadc4b00c17708bf223f29a66f02342fbedf6c0044736544b9271821ae403bbe475185a4a265a50e1d43bdaeee7fe070c07602c6b84d25a3b4064af5be30115a052069038f5002a3",
		},
		transport: [2]string{
			"9ea1da1ec3bfecfffab213e537ed1791bfa887dd9c631351b3f63d6315ab9a",
			"217c5111fad7afde33bd28abaff3def88a57ab50515115d23a10f28621f842",
		},
	}, {
		name: "Noise_XXpsk0_25519_AESGCM_SHA256",
		psk:  "2176657279736563726574766572797365637265747665727973656372657421",
		messages: [3]string{
			e1 + "2dfece4dae76dc5ac85cb897862e0637e7403c75bb5761111b83",
			e2 + "807dca8877a33959186ac0181ac963a7dd13a134ae4a2191da2bedd96911f7b1549721eaf8b8212a701886c355be87e686ae9e443b823f0d58eceab3e52ff4d365f9b6793b5a6e913e82",
			"099fd29f5cad05f9d2c9be076d04e80a092e181fa13a4e844386e360defdca4e476fccf79130a33fd25244336598bf55637ea8dea2acb6fd2e6c98213519f6f2d25947620be6979e3858",
		},
		transport: [2]string{
			"99521768e8b75eae6d56db072601817fd0606206ca444b02f911562521e4fd",
			"ab15274dff9f222379cd9feac0e4a82b7fb61fc0c79372dd9c07d283b1e765",
		},
	}} {
		t.Run(v.name, func(t *testing.T) {
			config := func(static, ephemeral string) HandshakeConfig {
				id, err := newIdentity(unhex(t, static))
				if err != nil {
					t.Fatal(err)
				}
				return HandshakeConfig{Identity: id, Prologue: unhex(t, v.prologue), PSK: unhex(t, v.psk), Rand: bytes.NewReader(unhex(t, ephemeral))}
			}
			p := &pair{t: t,
				client: config("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"),
				server: config("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"),
			}
			var err, err2 error
			p.initiator, err = NewInitiator(p.client)
			p.responder, err2 = NewResponder(p.server)
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			from, to := p.initiator, p.responder
			for i, want := range v.messages {
				msg := p.step(from, to, fmt.Sprintf("test_msg_%d", i))
				if got := hex.EncodeToString(msg); got != want {
					t.Errorf("message %d is\n%s, want\n%s", i, got, want)
				}
				from, to = to, from
			}
			p.wantComplete()
			keys, err := p.initiator.Keys()
			if err != nil {
				t.Fatal(err)
			}
			wantTransport(t, keys.Send, "yellowsubmarine", v.transport[0])
			wantTransport(t, keys.Receive, "submarineyellow", v.transport[1])
		})
	}
}

// wantTransport checks that key seals payload as the first transport message of a Noise session.
func wantTransport(t *testing.T, key [32]byte, payload, want string) {
	t.Helper()
	got := noise.CipherAESGCM.Cipher(key).Encrypt(nil, 0, nil, []byte(payload))
	if hex.EncodeToString(got) != want {
		t.Errorf("transport message is %x, want %s", got, want)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHandshakeConfigReportsEverythingAtOnce(t *testing.T) {
	_, err := NewInitiator(HandshakeConfig{PSK: []byte("short")})
	if want := "handshake needs an identity\npre-shared key has 5 bytes; it needs 32"; err == nil || err.Error() != want {
		t.Errorf("error %v, want\n%s", err, want)
	}
}
