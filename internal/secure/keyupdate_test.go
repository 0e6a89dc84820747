package secure

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestKeyUpdatesUnderLossAndReordering: hundreds of updates, the phase byte
// wrapping around, on a path that loses, repeats and reorders. Every datagram
// that arrives opens once.
func TestKeyUpdatesUnderLossAndReordering(t *testing.T) {
	const limit, updates = 64, 400
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, o := NewSealer(testSecret, limit), newTestOpener(testSecret)
		var sent []datagram
		pn, phases := uint64(0), 0
		for range limit * updates {
			pn += 1 + r.Uint64N(3)
			before := s.Phase()
			sent = append(sent, sealOne(s, pn, fmt.Sprint("datagram ", pn)))
			s.Confirm(pn)
			if s.Phase() != before {
				phases++
			}
		}
		if phases != updates {
			t.Fatalf("seed %d: %d key updates, want %d", seed, phases, updates)
		}
		arrived, lost := shuffled(r, sent, limit/2)
		opened := map[uint64]bool{}
		var repeated, previous int
		for _, d := range arrived {
			if d.phase != o.phase && d.phase != o.phase+1 {
				previous++
			}
			got, err := open(o, d)
			switch {
			case opened[d.pn]:
				repeated++
				if !errors.Is(err, ErrReplayed) {
					t.Fatalf("seed %d: datagram %d opens twice: %v", seed, d.pn, err)
				}
			case err != nil || got != fmt.Sprint("datagram ", d.pn):
				t.Fatalf("seed %d: datagram %d of phase %d, the opener in phase %d: %q, %v", seed, d.pn, d.phase, o.phase, got, err)
			}
			opened[d.pn] = true
		}
		if len(opened) != len(sent)-lost {
			t.Errorf("seed %d: %d datagrams opened, want %d", seed, len(opened), len(sent)-lost)
		}
		if lost < 1000 || repeated < 500 || previous < 1000 {
			t.Errorf("seed %d: the path was too good: %d lost, %d repeated, %d of a previous phase", seed, lost, repeated, previous)
		}
	}
}

// TestSealerKeepsToItsLimit: no key seals more than limit packets, and an
// update by hand starts the count again.
func TestSealerKeepsToItsLimit(t *testing.T) {
	s := NewSealer(testSecret, 4)
	var phases []uint8
	for pn := range uint64(12) {
		if pn == 6 {
			s.update()
		}
		phases = append(phases, sealOne(s, pn, "").phase)
		s.Confirm(pn)
	}
	if want := []uint8{0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3}; fmt.Sprint(phases) != fmt.Sprint(want) {
		t.Errorf("phases %v, want %v", phases, want)
	}
	if limit := NewSealer(testSecret, 0).limit; limit >= 1<<23 || limit == 0 {
		t.Errorf("the default limit is %d, RFC 9001 allows less than %d", limit, 1<<23)
	}
}

// TestAnUpdateWaitsForThePeer: it has opened a datagram of the present phase, or
// there is no update, however worn the key is (RFC 9001 section 6.1).
func TestAnUpdateWaitsForThePeer(t *testing.T) {
	s := NewSealer(testSecret, 4)
	pn := uint64(0)
	seal := func(n int) uint8 {
		for range n {
			sealOne(s, pn, "")
			pn++
		}
		return s.Phase()
	}
	if got := seal(20); got != 0 || !s.Due() {
		t.Fatalf("phase %d, due %v, with nothing confirmed", got, s.Due())
	}
	s.Confirm(pn) // never sealed
	if got := seal(1); got != 0 {
		t.Fatalf("phase %d, after a number was confirmed that was not sealed", got)
	}
	s.Confirm(3)
	if got := seal(1); got != 1 || s.Due() {
		t.Fatalf("phase %d, due %v, once the peer was heard", got, s.Due())
	}
	s.Confirm(pn - 1) // the last of phase 0
	if got := seal(10); got != 1 || !s.Due() {
		t.Fatalf("phase %d, due %v, with only the phase before confirmed", got, s.Due())
	}
	s.Confirm(pn - 10)
	if got := seal(1); got != 2 {
		t.Fatalf("phase %d, want 2", got)
	}
}

// TestBytesWearAKeyOut: the limit is of what is sealed too, and not of calls only.
func TestBytesWearAKeyOut(t *testing.T) {
	s := NewSealer(testSecret, 0)
	sealOne(s, 0, "")
	s.Confirm(0)
	s.bytes = sealBytes - testHeaderLen - 11
	if sealOne(s, 1, "0123456789"); s.Phase() != 0 {
		t.Fatal("updated a byte too early")
	}
	if sealOne(s, 2, "0"); s.Phase() != 1 || s.bytes != 0 || s.sealed != 0 {
		t.Fatalf("phase %d, %d bytes and %d packets in it", s.Phase(), s.bytes, s.sealed)
	}
	// RFC 9001 appendix B.1.1: 2^35 blocks, whatever the length of a packet.
	const blocks = 1 << 35
	if sealBytes/16 > blocks/4 || sealPackets<<16/16 > blocks/2 || spentBytes/16 > blocks || spentPackets<<16/16 > blocks {
		t.Error("the limits allow more than AES-GCM does")
	}
}

// TestAKeyIsSpent: where the peer confirms nothing, there is an end.
func TestAKeyIsSpent(t *testing.T) {
	s := NewSealer(testSecret, 4)
	for pn := range uint64(100) {
		sealOne(s, pn, "")
	}
	if s.Spent() {
		t.Fatal("spent already")
	}
	packets, bytes := *s, *s
	packets.sealed, bytes.bytes = spentPackets, spentBytes
	if !packets.Spent() || !bytes.Spent() {
		t.Error("a spent key may go on")
	}
}

// TestOldKeysDoNotSpeakForLaterPackets: who got hold of a former key can use
// it for no number that its phase had not reached, nor once another update went by.
func TestOldKeysDoNotSpeakForLaterPackets(t *testing.T) {
	s, o := NewSealer(testSecret, 0), newTestOpener(testSecret)
	stolen := NewSealer(testSecret, 0) // phase 0 for ever
	wantOpen(t, o, sealOne(s, 1, "phase 0"), "phase 0")
	late := sealOne(s, 2, "overtaken")
	s.update()
	wantOpen(t, o, sealOne(s, 10, "phase 1"), "phase 1")
	wantOpen(t, o, late, "overtaken")
	early := sealOne(stolen, 5, "while phase 0 may still arrive")
	wantError(t, o, sealOne(stolen, 11, "forged"), ErrNotAuthentic)
	wantOpen(t, o, early, "while phase 0 may still arrive")
	very := sealOne(NewSealer(testSecret, 0), 6, "too late")
	s.update()
	wantOpen(t, o, sealOne(s, 20, "phase 2"), "phase 2")
	wantError(t, o, very, ErrNotAuthentic)
}

// TestForgedPhaseDoesNotMoveTheOpener: only a datagram that opens under the next key moves it on.
func TestForgedPhaseDoesNotMoveTheOpener(t *testing.T) {
	s, o := NewSealer(testSecret, 0), newTestOpener(testSecret)
	d := sealOne(s, 1, "")
	for range 300 {
		d.phase = o.phase + 1
		wantError(t, o, d, ErrNotAuthentic)
	}
	d.phase = 0
	wantOpen(t, o, d, "")
}

// TestNextPhaseStartsAboveThePresent: an honest Sealer's numbers grow over an
// update, so one of the next phase below the present one's is not its own.
func TestNextPhaseStartsAboveThePresent(t *testing.T) {
	s, o := NewSealer(testSecret, 0), newTestOpener(testSecret)
	ahead := NewSealer(testSecret, 0)
	ahead.update()
	wantOpen(t, o, sealOne(s, 10, "phase 0"), "phase 0")
	wantError(t, o, sealOne(ahead, 9, "too low"), ErrNotAuthentic)
	if o.phase != 0 {
		t.Errorf("the Opener moved on to phase %d", o.phase)
	}
	wantOpen(t, o, sealOne(ahead, 11, "phase 1"), "phase 1")
}
