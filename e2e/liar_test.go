package e2e

import (
	"net"
	"strings"
	"testing"
	"unicode"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// liar is a server that makes every handshake, and then says what it was told
// to, whatever it is asked.
type liar struct {
	conn  *net.UDPConn
	id    *secure.Identity
	frame []byte // what the first sealed datagram of a session holds
	done  chan struct{}
}

func startLiar(t *testing.T, frame []byte) *liar {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	id, err := secure.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{conn, id, frame, make(chan struct{})}
	go l.serve(t)
	t.Cleanup(func() { conn.Close(); <-l.done })
	return l
}

func (l *liar) addr() string { return l.conn.LocalAddr().String() }

func (l *liar) serve(t *testing.T) {
	defer close(l.done)
	half := map[proto.SessionID]*secure.Handshake{}
	begun := map[proto.SessionID]secure.Keys{}
	buf := make([]byte, 65536)
	for {
		n, from, err := l.conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		replies, err := l.answer(half, begun, buf[:n])
		if err != nil {
			t.Error(err)
			return
		}
		for _, b := range replies {
			_, _ = l.conn.WriteToUDP(b, from)
		}
	}
}

// answer returns what to reply to a datagram. begun has the sessions whose client
// has yet to send its half of the exchange of ML-KEM keys.
func (l *liar) answer(half map[proto.SessionID]*secure.Handshake, begun map[proto.SessionID]secure.Keys, b []byte) ([][]byte, error) {
	switch proto.Kind(b[0]) {
	case proto.KindHello:
		h, err := proto.ParseHello(b)
		if err != nil {
			return nil, err
		}
		noise, err := secure.NewResponder(secure.HandshakeConfig{Identity: l.id, Prologue: h.Prologue()})
		if err != nil {
			return nil, err
		}
		if _, err := noise.ReadMessage(nil, h.Noise); err != nil {
			return nil, err
		}
		w := proto.Welcome{Session: proto.SessionID(h.ID) | 1, Credit: 1 << 16, MaxDatagram: 1500}
		half[w.Session] = noise
		r := proto.HelloReply{Version: proto.Version, ID: h.ID}
		if r.Noise, err = noise.WriteMessage(nil, w.Append(nil)); err != nil {
			return nil, err
		}
		return [][]byte{r.Append(nil)}, nil
	case proto.KindFinish:
		f, err := proto.ParseFinish(b)
		noise := half[f.Session]
		if err != nil || noise == nil {
			return nil, err
		}
		delete(half, f.Session)
		if _, err := noise.ReadMessage(nil, f.Noise); err != nil {
			return nil, err
		}
		keys, err := noise.Keys()
		if err != nil {
			return nil, err
		}
		begun[f.Session] = keys
	case proto.KindClientSealed:
		return l.exchange(begun, b)
	}
	return nil, nil
}

// exchange answers the client's half, and says what the liar has to say.
func (l *liar) exchange(begun map[proto.SessionID]secure.Keys, b []byte) ([][]byte, error) {
	h, clear, body, err := proto.ParseSealed(b)
	keys, ok := begun[h.Session]
	if err != nil || !ok {
		return nil, err
	}
	plain, err := secure.NewOpener(keys.Receive).Open(nil, clear, body, h.Phase, uint64(h.Number))
	if err != nil {
		return nil, err
	}
	_, frame, _, err := proto.NextFrame(plain)
	if err != nil {
		return nil, err
	}
	key, err := proto.ParseKEMKey(frame)
	if err != nil {
		return nil, err
	}
	delete(begun, h.Session)
	sealer := secure.NewSealer(keys.Send, 0)
	text, mixed, err := keys.Encapsulate(key.Key)
	if err != nil {
		return nil, err
	}
	half := proto.KEMText{Text: text}
	seal := func(number proto.PacketNumber, frame []byte) []byte {
		out := (&proto.SealedHeader{Kind: proto.KindServerSealed, Phase: sealer.Phase(), Session: h.Session, Number: number}).Append(nil)
		return sealer.Seal(out, out, frame, uint64(number))
	}
	first := seal(0, half.Append(nil))
	sealer.Advance(mixed.Send)
	return [][]byte{first, seal(1, l.frame)}, nil
}

// asControl returns a frame that carries a control message.
func asControl(m proto.Message) []byte {
	s := proto.Segment{Count: 1, Payload: m.Append(nil)}
	return s.Append(nil)
}

// TestHostileWords: a server's words are shown, and neither move the cursor nor
// make a line of their own, on the terminal, in the log and in the report.
func TestHostileWords(t *testing.T) {
	const words = "\x1b[2J\x1b]0;t\x07\r\u009b1m\u202eexe\u2028\xff\nchunkcp: run: rm the end"
	closing := proto.Close{Code: proto.CloseBusy, Reason: words}
	longest := proto.Close{Code: proto.CloseBusy, Reason: strings.Repeat("\x1b[31m", proto.MaxReason/5-8) + "the end"}
	for name, frame := range map[string][]byte{
		"close":        closing.Append(nil),
		"long close":   longest.Append(nil),
		"failed":       asControl(&proto.Failed{ID: 1, Code: proto.FailBusy, Reason: words}),
		"failed oddly": asControl(&proto.Failed{ID: 1, Code: 999, Reason: words}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLiar(t, frame)
			home := t.TempDir()
			p, err := start(home, environment(home), "fetch", "data", "--peer", l.addr(), "--timeout", "1s", "-v", "--json")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.kill)
			if code, err := p.wait(fetchLimit); err != nil || code != 6 {
				t.Fatalf("exit code %d, %v:\n%s", code, err, p.stderr.String())
			}
			for what, text := range map[string]string{"stderr": p.stderr.String(), "stdout": p.stdout.String()} {
				if !strings.Contains(text, "the end") {
					t.Errorf("%s does not tell its words:\n%s", what, text)
				}
				for _, r := range text {
					if !unicode.IsPrint(r) && r != '\n' {
						t.Fatalf("%U on %s:\n%q", r, what, text)
					}
				}
				for line := range strings.Lines(text) {
					if before, _, ok := strings.Cut(line, "run: rm"); ok && !strings.Contains(before, "peer") {
						t.Errorf("%s has a line of the server's making: %q", what, line)
					}
					if len(line) > 4096 {
						t.Errorf("%s has a line of %d bytes", what, len(line))
					}
				}
			}
		})
	}
}
