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
		s, o := NewSealer(testSecret, limit), NewOpener(testSecret)
		var sent []datagram
		pn, phases := uint64(0), 0
		for range limit * updates {
			pn += 1 + r.Uint64N(3)
			before := s.Phase()
			sent = append(sent, sealOne(s, pn, fmt.Sprint("datagram ", pn)))
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
			s.Update()
		}
		phases = append(phases, sealOne(s, pn, "").phase)
	}
	if want := []uint8{0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3}; fmt.Sprint(phases) != fmt.Sprint(want) {
		t.Errorf("phases %v, want %v", phases, want)
	}
	if limit := NewSealer(testSecret, 0).limit; limit >= 1<<23 || limit == 0 {
		t.Errorf("the default limit is %d, RFC 9001 allows less than %d", limit, 1<<23)
	}
}

// TestOldKeysDoNotSpeakForLaterPackets: who got hold of a former key can use
// it for no number that its phase had not reached, nor once another update went by.
func TestOldKeysDoNotSpeakForLaterPackets(t *testing.T) {
	s, o := NewSealer(testSecret, 0), NewOpener(testSecret)
	stolen := NewSealer(testSecret, 0) // phase 0 for ever
	wantOpen(t, o, sealOne(s, 1, "phase 0"), "phase 0")
	late := sealOne(s, 2, "overtaken")
	s.Update()
	wantOpen(t, o, sealOne(s, 10, "phase 1"), "phase 1")
	wantOpen(t, o, late, "overtaken")
	early := sealOne(stolen, 5, "while phase 0 may still arrive")
	wantError(t, o, sealOne(stolen, 11, "forged"), ErrNotAuthentic)
	wantOpen(t, o, early, "while phase 0 may still arrive")
	very := sealOne(NewSealer(testSecret, 0), 6, "too late")
	s.Update()
	wantOpen(t, o, sealOne(s, 20, "phase 2"), "phase 2")
	wantError(t, o, very, ErrNotAuthentic)
}

// TestForgedPhaseDoesNotMoveTheOpener: only a datagram that opens under the next key moves it on.
func TestForgedPhaseDoesNotMoveTheOpener(t *testing.T) {
	s, o := NewSealer(testSecret, 0), NewOpener(testSecret)
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
	s, o := NewSealer(testSecret, 0), NewOpener(testSecret)
	ahead := NewSealer(testSecret, 0)
	ahead.Update()
	wantOpen(t, o, sealOne(s, 10, "phase 0"), "phase 0")
	wantError(t, o, sealOne(ahead, 9, "too low"), ErrNotAuthentic)
	if o.phase != 0 {
		t.Errorf("the Opener moved on to phase %d", o.phase)
	}
	wantOpen(t, o, sealOne(ahead, 11, "phase 1"), "phase 1")
}
