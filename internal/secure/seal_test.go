package secure

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

var testSecret = [32]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}

const testHeaderLen = 17 // as a header might have: 8 bytes of id, 8 of number, the phase

// datagram is one as it crosses the wire, with the fields of its header.
type datagram struct {
	phase  uint8
	pn     uint64
	header []byte
	sealed []byte
}

func sealOne(s *Sealer, pn uint64, plaintext string) datagram {
	header := make([]byte, testHeaderLen)
	binary.BigEndian.PutUint64(header[8:], pn)
	header[16] = s.Phase()
	return datagram{s.Phase(), pn, header, s.Seal(nil, header, []byte(plaintext), pn)}
}

func open(o *Opener, d datagram) (string, error) {
	plaintext, err := o.Open(nil, d.header, d.sealed, d.phase, d.pn)
	return string(plaintext), err
}

func wantOpen(t *testing.T, o *Opener, d datagram, want string) {
	t.Helper()
	if got, err := open(o, d); err != nil || got != want {
		t.Errorf("datagram %d of phase %d opens as %q, %v; want %q", d.pn, d.phase, got, err, want)
	}
}

func wantError(t *testing.T, o *Opener, d datagram, want error) {
	t.Helper()
	if got, err := open(o, d); !errors.Is(err, want) {
		t.Errorf("datagram %d of phase %d opens as %q, %v; want %v", d.pn, d.phase, got, err, want)
	}
}

// TestSealFollowsTheSpecification computes a datagram of phase 2 from the package comment.
func TestSealFollowsTheSpecification(t *testing.T) {
	const pn = 0x0102030405060708
	expand := func(secret []byte, label string, n int) []byte {
		b, err := hkdf.Expand(sha256.New, secret, label, n)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	secret := expand(expand(testSecret[:], "chunkcp ku", 32), "chunkcp ku", 32)
	block, err := aes.NewCipher(expand(secret, "chunkcp key", 32))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := expand(secret, "chunkcp iv", 12)
	for i, b := range []byte{1, 2, 3, 4, 5, 6, 7, 8} {
		nonce[4+i] ^= b
	}
	want := gcm.Seal(nil, nonce, []byte("plaintext"), []byte("header"))

	s := NewSealer(testSecret, 0)
	s.update()
	s.update()
	if got := s.Seal(nil, []byte("header"), []byte("plaintext"), pn); !bytes.Equal(got, want) || s.Phase() != 2 {
		t.Errorf("phase %d seals\n%x, want\n%x", s.Phase(), got, want)
	}
	if len(want) != len("plaintext")+Overhead {
		t.Errorf("Overhead is %d, sealing added %d", Overhead, len(want)-len("plaintext"))
	}
}

func TestSealAndOpenInPlace(t *testing.T) {
	s, o := NewSealer(testSecret, 0), newTestOpener(testSecret)
	buf := make([]byte, testHeaderLen, 200)
	buf = append(buf, "a datagram in one buffer, its header before it"...)
	header, body := buf[:testHeaderLen], buf[testHeaderLen:]
	sealed := s.Seal(body[:0], header, body, 5)
	if &sealed[0] != &body[0] {
		t.Error("Seal moved the datagram")
	}
	got, err := o.Open(sealed[:0], header, sealed, 0, 5)
	if err != nil || string(got) != "a datagram in one buffer, its header before it" || &got[0] != &body[0] {
		t.Errorf("opened as %q, %v", got, err)
	}
}

func TestOpenTakesEachDatagramOnce(t *testing.T) {
	s, o := NewSealer(testSecret, 0), newTestOpener(testSecret)
	first, second, third := sealOne(s, 0, "first"), sealOne(s, 1, "second"), sealOne(s, 7, "third")
	wantOpen(t, o, third, "third")
	wantOpen(t, o, first, "first")
	wantError(t, o, first, ErrReplayed)
	wantError(t, o, third, ErrReplayed)
	wantOpen(t, o, second, "second")

	wantOpen(t, o, sealOne(s, 7+windowLen, "much later"), "much later")
	wantError(t, o, second, ErrReplayed)
	if o.Failed() != 0 {
		t.Errorf("%d replays were decrypted", o.Failed())
	}
}

// TestForgedDatagramsChangeNothing: with any byte of it wrong a datagram is
// refused, and the genuine one still opens.
func TestForgedDatagramsChangeNothing(t *testing.T) {
	s, o := NewSealer(testSecret, 0), newTestOpener(testSecret)
	genuine := sealOne(s, 3, "genuine")
	before := *o
	tried := uint64(0)
	refuse := func(d datagram) {
		t.Helper()
		wantError(t, o, d, ErrNotAuthentic)
		tried++
	}
	for i := range genuine.sealed {
		d := genuine
		d.sealed = bytes.Clone(d.sealed)
		d.sealed[i] ^= 0x80
		refuse(d)
		d.sealed = genuine.sealed[:i]
		refuse(d)
	}
	for i := range genuine.header {
		d := genuine
		d.header = bytes.Clone(d.header)
		d.header[i] ^= 0x80
		refuse(d)
	}
	for _, pn := range []uint64{2, 4, 3 + 1<<40, 1<<64 - 1} {
		d := genuine
		d.pn = pn
		refuse(d)
	}
	d := genuine
	d.phase = 1
	refuse(d)
	if o.Failed() != tried {
		t.Errorf("%d failures counted, want %d", o.Failed(), tried)
	}
	for _, phase := range []uint8{2, 100, 255} { // no key to try them with
		d.phase = phase
		wantError(t, o, d, ErrNotAuthentic)
	}
	o.failed, o.nonce = before.failed, before.nonce
	if *o != before {
		t.Error("forged datagrams changed the Opener")
	}
	wantOpen(t, o, genuine, "genuine")
}

func TestOpenGivesUpAfterTooManyForgeries(t *testing.T) {
	s, o := NewSealer(testSecret, 0), newTestOpener(testSecret)
	good, bad := sealOne(s, 0, "good"), sealOne(s, 1, "bad")
	bad.sealed[0]++
	o.failed = maxFailed - 1
	wantError(t, o, bad, ErrNotAuthentic)
	wantError(t, o, good, ErrTooManyForged)
}

func TestSealPanicsOnNonceReuse(t *testing.T) {
	for _, pns := range [][]uint64{{0, 0}, {5, 5}, {5, 4}, {1<<64 - 1}} {
		s := NewSealer(testSecret, 0)
		last := len(pns) - 1
		for _, pn := range pns[:last] {
			sealOne(s, pn, "")
		}
		func() {
			defer func() {
				if r := fmt.Sprint(recover()); len(r) < 4 || r[:4] != "BUG:" {
					t.Errorf("packet numbers %v: panic %q, want BUG", pns, r)
				}
			}()
			sealOne(s, pns[last], "")
		}()
	}
}

func TestSealAndOpenDoNotAllocate(t *testing.T) {
	s, o := NewSealer(testSecret, 0), newTestOpener(testSecret)
	buf := make([]byte, testHeaderLen+1200, testHeaderLen+1200+Overhead)
	header, body := buf[:testHeaderLen], buf[testHeaderLen:]
	pn := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		pn++
		sealed := s.Seal(body[:0], header, body, pn)
		if _, err := o.Open(sealed[:0], header, sealed, 0, pn); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("sealing and opening allocates %v times", n)
	}
	for phase, want := range map[uint8]error{0: ErrNotAuthentic, 1: ErrNotAuthentic, 77: ErrNotAuthentic} {
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := o.Open(body[:0], header, body, phase, pn+1); err != want {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("a forged datagram of phase %d allocates %v times", phase, n)
		}
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := o.Open(body[:0], header, body, 0, pn); err != ErrReplayed {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a replayed datagram allocates %v times", n)
	}
}

// FuzzOpen: nothing opens that was not sealed, whatever the header claims, and
// what was sealed opens afterwards.
func FuzzOpen(f *testing.F) {
	genuine := sealOne(NewSealer(testSecret, 0), 3, "genuine")
	f.Add(genuine.header, genuine.sealed, genuine.phase, genuine.pn)
	f.Add([]byte{}, []byte{}, uint8(1), uint64(1<<64-1))
	f.Add(genuine.header, genuine.sealed[:15], uint8(255), uint64(0))
	f.Fuzz(func(t *testing.T, header, sealed []byte, phase uint8, pn uint64) {
		o := newTestOpener(testSecret)
		same := bytes.Equal(header, genuine.header) && bytes.Equal(sealed, genuine.sealed) && phase == 0 && pn == 3
		got, err := o.Open(nil, header, sealed, phase, pn)
		if (err == nil) != same {
			t.Fatalf("opened as %q, %v", got, err)
		}
		if same {
			return
		}
		wantOpen(t, o, genuine, "genuine")
	})
}

var benchmarkSizes = []int{1200, 1472, 8972, 65000}

func BenchmarkSeal(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := NewSealer(testSecret, 0)
			buf := make([]byte, testHeaderLen+size)
			header, body := buf[:testHeaderLen], buf[testHeaderLen:size+testHeaderLen-Overhead]
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for pn := uint64(0); b.Loop(); pn++ {
				s.Seal(body[:0], header, body, pn)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, o := NewSealer(testSecret, 0), newTestOpener(testSecret)
			header := make([]byte, testHeaderLen)
			sealed := s.Seal(nil, header, make([]byte, size-Overhead), 1)
			dst := make([]byte, 0, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.Open(dst, header, sealed, 0, 1); err != nil {
					b.Fatal(err)
				}
				o.window.few[0] = 0 // it is the same datagram over and over
			}
		})
	}
}

// BenchmarkOpenForged is what a forger costs.
func BenchmarkOpenForged(b *testing.B) {
	o := newTestOpener(testSecret)
	header, sealed, dst := make([]byte, testHeaderLen), make([]byte, 1200), make([]byte, 0, 1200)
	b.SetBytes(1200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Open(dst, header, sealed, 0, 1); err == nil {
			b.Fatal("zeros opened")
		}
	}
}

// shuffled returns what a bad path makes of the datagrams: some lost, some
// twice, each up to depth places late.
func shuffled(r *rand.Rand, in []datagram, depth int) (out []datagram, lost int) {
	slots := make([][]datagram, len(in)+depth+1)
	for i, d := range in {
		if r.IntN(100) < 20 {
			lost++
			continue
		}
		for range 1 + r.IntN(20)/19 {
			at := i + r.IntN(depth+1)
			slots[at] = append(slots[at], d)
		}
	}
	for _, s := range slots {
		out = append(out, s...)
	}
	return out, lost
}

// newTestOpener returns an Opener that follows updates from phase 0 on.
func newTestOpener(secret [32]byte) *Opener {
	o := NewOpener(secret)
	o.Expect(nextSecret(secret))
	return o
}
