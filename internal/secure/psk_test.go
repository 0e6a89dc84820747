package secure

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/flynn/noise"
)

func testPSK() []byte {
	b := make([]byte, PSKLen)
	for i := range b {
		b[i] = byte(0xa0 + i)
	}
	return b
}

func writePSK(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "psk")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // past the umask
		t.Fatal(err)
	}
	return path
}

func TestLoadPSK(t *testing.T) {
	in64, inHex := base64.StdEncoding.EncodeToString(testPSK()), hex.EncodeToString(testPSK())
	for name, text := range map[string]string{
		"base64": in64, "base64 and a line end": in64 + "\n", "hex": inHex + "\r\n", "hex in capitals": strings.ToUpper(inHex),
		"comments": "# of the mirrors\n\n  " + inHex + "  \n# end",
	} {
		k, err := LoadPSK(writePSK(t, text, 0o600))
		if err != nil || !bytes.Equal(k.Bytes(), testPSK()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if (*PSK)(nil).Bytes() != nil {
		t.Error("no key has bytes")
	}
}

func TestMalformedPSK(t *testing.T) {
	in64, inHex := base64.StdEncoding.EncodeToString(testPSK()), hex.EncodeToString(testPSK())
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "it has no key"},
		"comments only":     {"# nothing\n", "it has no key"},
		"two keys":          {in64 + "\n" + in64, "more than one line"},
		"short hex":         {inHex[:62], "want 64 characters of hex or 44 of base64"},
		"long hex":          {inHex + "00", "want 64 characters of hex or 44 of base64"},
		"no hex":            {"x" + inHex[1:], "want 64 characters of hex or 44 of base64"},
		"base64 unpadded":   {strings.TrimRight(in64, "="), "want 64 characters of hex or 44 of base64"},
		"base64 of 31":      {base64.StdEncoding.EncodeToString(testPSK()[:31]), "want 64 characters of hex or 44 of base64"},
		"base64 of 33":      {base64.StdEncoding.EncodeToString(append(testPSK(), 1)), "want 64 characters of hex or 44 of base64"},
		"bits past the key": {in64[:42] + "/=", "want 64 characters of hex or 44 of base64"},
		"a password":        {"correct horse battery staple", "want 64 characters of hex or 44 of base64"},
		"zero":              {strings.Repeat("0", 64), "all zero"},
		"too large":         {strings.Repeat("#\n", maxSecretFile), "more than 4096 bytes"},
	} {
		path := writePSK(t, c.text, 0o600)
		k, err := LoadPSK(path)
		if k != nil || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: key %v, error %v; want %q and the path", name, k != nil, err, c.want)
			continue
		}
		for line := range strings.Lines(c.text) {
			for word := range strings.FieldsSeq(line) {
				if len(word) > 3 && strings.Contains(err.Error(), word) {
					t.Errorf("%s: the error shows what is in the file: %v", name, err)
				}
			}
		}
	}
}

func TestPSKOfOthersIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permissions to check")
	}
	text := hex.EncodeToString(testPSK())
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o660, 0o644, 0o610} {
		path := writePSK(t, text, mode)
		_, err := LoadPSK(path)
		if err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) || strings.Contains(err.Error(), text) {
			t.Errorf("mode %#o: %v", mode, err)
		}
	}
	if _, err := LoadPSK(writePSK(t, text, 0o400)); err != nil {
		t.Errorf("read-only for its owner: %v", err)
	}
}

func TestPSKThatIsNoFile(t *testing.T) {
	if _, err := LoadPSK(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := LoadPSK(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestNoVerbPrintsThePSK(t *testing.T) {
	k, err := parsePSK([]byte(hex.EncodeToString(testPSK())))
	if err != nil {
		t.Fatal(err)
	}
	holder := struct{ K *PSK }{k}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		for _, value := range []any{k, *k, holder} {
			text := strings.ToLower(fmt.Sprintf(verb, value))
			for _, secret := range []string{"a0a1a2", "160 161", "0xa0, 0xa1"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s prints %s", verb, text)
				}
			}
		}
	}
}

func TestPSKEqual(t *testing.T) {
	a, b, c := &PSK{key: [32]byte{1}}, &PSK{key: [32]byte{1}}, &PSK{key: [32]byte{2}}
	if !a.Equal(b) || a.Equal(c) || a.Equal(nil) || (*PSK)(nil).Equal(a) || !(*PSK)(nil).Equal(nil) {
		t.Error("Equal is wrong")
	}
}

// TestWithoutThePSKNothingIsComputed: a first message that is not made with the
// pre-shared key is told apart before any Diffie-Hellman.
func TestWithoutThePSKNothingIsComputed(t *testing.T) {
	p := newPair(t, testPSK())
	for name, psk := range map[string][]byte{"another": bytes.Repeat([]byte{7}, PSKLen), "none": nil} {
		stranger := p.client
		stranger.PSK, stranger.Rand = psk, seeded(31)
		hs, err := NewInitiator(stranger)
		if err != nil {
			t.Fatal(err)
		}
		msg, err := hs.WriteMessage(nil, make([]byte, tagLen))
		if err != nil {
			t.Fatal(err)
		}
		counted := &countingDH{DHFunc: p.responder.dh.DHFunc}
		p.responder.dh.DHFunc = counted
		if _, err := p.responder.ReadMessage(nil, msg); err == nil {
			t.Errorf("%s: a stranger's message was taken", name)
		}
		if counted.n != 0 {
			t.Errorf("%s: %d Diffie-Hellman operations for a stranger", name, counted.n)
		}
	}
}

type countingDH struct {
	noise.DHFunc
	n int
}

func (d *countingDH) DH(private, public []byte) ([]byte, error) {
	d.n++
	return d.DHFunc.DH(private, public)
}

func (d *countingDH) GenerateKeypair(random io.Reader) (noise.DHKey, error) {
	d.n++
	return d.DHFunc.GenerateKeypair(random)
}

// What a first message costs a responder: to answer it, and to find that it is
// not made with the pre-shared key.
func BenchmarkFirstMessage(b *testing.B) {
	for _, c := range []struct {
		name     string
		ours, of []byte
	}{{"answered", nil, nil}, {"answered, psk", testPSK(), testPSK()}, {"refused, psk", testPSK(), nil}} {
		b.Run(c.name, func(b *testing.B) {
			p := newPair(b, c.of)
			payload := []byte(nil)
			if c.of == nil && c.ours != nil {
				payload = make([]byte, tagLen)
			}
			msg, err := p.initiator.WriteMessage(nil, payload)
			if err != nil {
				b.Fatal(err)
			}
			server := p.server
			server.PSK, server.Rand = c.ours, nil
			b.ReportAllocs()
			for b.Loop() {
				hs, err := NewResponder(server)
				if err != nil {
					b.Fatal(err)
				}
				_, err = hs.ReadMessage(nil, msg)
				if (err == nil) != bytes.Equal(c.ours, c.of) {
					b.Fatal(err)
				}
				if err == nil {
					if _, err := hs.WriteMessage(nil, make([]byte, 18)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
