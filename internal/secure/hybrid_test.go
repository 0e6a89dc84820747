package secure

import (
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// counted returns n bytes that count up from first.
func counted(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func testKEM(t *testing.T) *KEM {
	t.Helper()
	key, err := mlkem.NewDecapsulationKey768(counted(0, 64))
	if err != nil {
		t.Fatal(err)
	}
	return &KEM{key: key}
}

func testKeys() Keys {
	return Keys{Send: [32]byte(counted(1, 32)), Receive: [32]byte(counted(65, 32)), Binding: [32]byte(counted(129, 32))}
}

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

// TestHybridVector: from fixed bytes come fixed keys, on both sides.
func TestHybridVector(t *testing.T) {
	k := testKEM(t)
	ek, err := mlkem.NewEncapsulationKey768(k.Key())
	if err != nil {
		t.Fatal(err)
	}
	shared, text, err := mlkemtest.Encapsulate768(ek, counted(200, 32))
	if err != nil {
		t.Fatal(err)
	}
	mine, err := k.Mix(testKeys(), text)
	if err != nil {
		t.Fatal(err)
	}
	for what, x := range map[string][2]string{
		"encapsulation key": {sum(k.Key()), "0b7934c83125c788995e2ba6bd761e33046b3e40571be53e023309a29f398cc9"},
		"ciphertext":        {sum(text), "45605f769fdefca64e76ecc79e68d206080ca73dafa7dee78337fc3c74ec0751"},
		"shared secret":     {hex.EncodeToString(shared), "bf290b679c23d05d40a6a5714647425c88a02e656f34a3124158c416c7c99aa0"},
		"sending":           {hex.EncodeToString(mine.Send[:]), "fd33585f37cbe9c7a33d41b049165d69fd6a87e95123af2af8a8f7e69e4a7356"},
		"receiving":         {hex.EncodeToString(mine.Receive[:]), "92118af2d35ca2cc6436310eb1d90624dd0fbe4706abb4ce0e9dfbe6351841b2"},
	} {
		if x[0] != x[1] {
			t.Errorf("%s: %s, want %s", what, x[0], x[1])
		}
	}

	// The same from the package comment, with nothing but HMAC (RFC 5869 section 2).
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	transcript := sha256.New()
	transcript.Write(counted(129, 32))
	transcript.Write(k.Key())
	transcript.Write(text)
	want := mac(mac(counted(1, 32), shared), []byte("chunkcp pq"), transcript.Sum(nil), []byte{1})
	if string(want) != string(mine.Send[:]) {
		t.Errorf("the package comment gives %x", want)
	}
}

// TestBothSidesMixTheSame: what one sends with, the other receives with, and
// every part of the exchange counts.
func TestBothSidesMixTheSame(t *testing.T) {
	k, err := NewKEM()
	if err != nil {
		t.Fatal(err)
	}
	keys := testKeys()
	responder := Keys{Send: keys.Receive, Receive: keys.Send, Binding: keys.Binding}
	text, theirs, err := responder.Encapsulate(k.Key())
	if err != nil {
		t.Fatal(err)
	}
	mine, err := k.Mix(keys, text)
	if err != nil {
		t.Fatal(err)
	}
	if mine.Send != theirs.Receive || mine.Receive != theirs.Send || mine.Send == mine.Receive || mine.Send == keys.Send {
		t.Fatal("the two sides have other keys")
	}
	other := func(what string, k *KEM, keys Keys, text []byte) {
		t.Helper()
		got, err := k.Mix(keys, text)
		if err != nil {
			t.Fatal(err)
		}
		if got.Send == mine.Send || got.Receive == mine.Receive {
			t.Errorf("the same keys in spite of another %s", what)
		}
	}
	unbound, unlike := keys, keys
	unbound.Binding[31] ^= 1
	unlike.Send[0] ^= 1
	unlike.Receive[31] ^= 1
	other("handshake", k, unbound, text)
	other("secret", k, unlike, text)
	other("KEM key", testKEM(t), keys, text)
	text[500] ^= 1
	other("ciphertext", k, keys, text)
}

// TestMalformedKEM: lengths that are wrong, and a key that FIPS 203 section 7.2 refuses.
func TestMalformedKEM(t *testing.T) {
	k, keys := testKEM(t), testKeys()
	for _, n := range []int{0, 1, mlkem.CiphertextSize768 - 1, mlkem.CiphertextSize768 + 1} {
		if _, err := k.Mix(keys, make([]byte, n)); err == nil {
			t.Errorf("a ciphertext of %d bytes is taken", n)
		}
	}
	high := k.Key()
	high[0], high[1] = 0xff, 0xff // a coefficient above 3,328
	for what, key := range map[string][]byte{"short": k.Key()[1:], "long": append(k.Key(), 0), "empty": nil, "not reduced": high} {
		if _, _, err := keys.Encapsulate(key); err == nil {
			t.Errorf("a key that is %s is taken", what)
		}
	}
}

// TestTheNextPhaseIsTheOneAgreedOn: an Opener follows to no phase before Expect,
// then to that one only, and by itself from there on.
func TestTheNextPhaseIsTheOneAgreedOn(t *testing.T) {
	agreed := [32]byte(counted(9, 32))
	o, s, skipping := NewOpener(testSecret), NewSealer(testSecret, 0), NewSealer(testSecret, 0)
	wantOpen(t, o, sealOne(s, 1, "phase 0"), "phase 0")
	skipping.update()
	wantError(t, o, sealOne(skipping, 2, "skips the exchange"), ErrNotAuthentic)
	s.Advance(agreed)
	first := sealOne(s, 3, "phase 1")
	wantError(t, o, first, ErrNotAuthentic) // not yet
	o.Expect(agreed)
	wantError(t, o, sealOne(skipping, 4, "skips the exchange"), ErrNotAuthentic)
	wantOpen(t, o, first, "phase 1")
	if n := o.Updates(1); n != 1 || o.Updates(0) != 0 {
		t.Errorf("%d and %d updates before phases 1 and 0", n, o.Updates(0))
	}
	s.update()
	wantOpen(t, o, sealOne(s, 5, "phase 2"), "phase 2")
	if o.Updates(2) != 2 {
		t.Errorf("%d updates before phase 2", o.Updates(2))
	}
}

func BenchmarkKEM(b *testing.B) {
	keys := testKeys()
	for b.Loop() {
		k, _ := NewKEM()
		text, _, _ := keys.Encapsulate(k.Key())
		_, _ = k.Mix(keys, text)
	}
}
