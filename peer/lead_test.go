package peer

import (
	"testing"
	"time"
)

// rejected has a session give a piece that does not count.
func (b *bareFetch) rejected(c *clientSession, content []byte, i int64) {
	b.t.Helper()
	before := b.written
	b.give(c, content, i)
	if b.written != before {
		b.t.Fatalf("piece %d of %s counts", i, c.peer.Addr)
	}
}

// drips has a session tell one hash every four seconds, until it no longer leads,
// and returns how long that took. What else it does in that time is up to it.
func (b *bareFetch) drips(c *clientSession, content []byte, next int64, most time.Duration) (took time.Duration) {
	b.t.Helper()
	const pause = 4 * time.Second // less than stallTime
	for b.lead == c.peer {
		if took > most {
			b.t.Fatalf("%s leads after %v", c.peer.Addr, took)
		}
		if err := b.tell(c, content, next, next+1); err != nil {
			b.t.Fatal(err)
		}
		next++
		if err := b.pass(pause); err != nil {
			b.t.Fatal(err)
		}
		took += pause
	}
	return took
}

// TestALeadThatDrips: it stands first in the config, has told some wrong hashes,
// with which two honest peers differ, and never a root. Once these have told theirs,
// one of them leads and both have work.
func TestALeadThatDrips(t *testing.T) {
	b := bare(t, 32<<20, 3)
	cs := b.all()
	if err := b.tell(cs[0], other(b.content), 0, 4); err != nil {
		t.Fatal(err)
	}
	b.rejected(cs[1], b.content, 0)
	b.rejected(cs[2], b.content, 1)
	if cs[1].active || cs[2].active {
		t.Fatal("the liar does not keep the others out: nothing is tried")
	}
	for _, c := range cs[1:] {
		b.toldRoot(c, treeRoot(b.content))
	}
	b.settleNow()
	if b.lead == b.peers[0] || !cs[1].active || !cs[2].active {
		t.Fatalf("%s leads; the honest ones have work: %v, %v", b.lead.Addr, cs[1].active, cs[2].active)
	}
	if err := b.tell(cs[1], b.content, 0, 32); err != nil {
		t.Fatal(err)
	}
	b.finish(cs[2])
}

// TestALeadThatDripsAndKnowsTheRoot says what the honest ones say, where there is
// a majority or a pinned hash. That costs it nothing, so it does not lead for ever.
// Of three like it each has its turn.
func TestALeadThatDripsAndKnowsTheRoot(t *testing.T) {
	for name, begin := range map[string]func(b *bareFetch){
		"of the majority": func(*bareFetch) {},
		"pinned":          func(b *bareFetch) { b.pin() },
	} {
		t.Run(name, func(t *testing.T) {
			const liars = 3
			b := bare(t, 64<<20, liars+2)
			begin(b)
			cs := b.all()
			evil := other(b.content)
			if err := b.tell(cs[0], evil, 0, 4); err != nil {
				t.Fatal(err)
			}
			b.rejected(cs[liars], b.content, 0)
			for _, c := range cs {
				b.toldRoot(c, treeRoot(b.content))
			}
			b.settleNow()
			if !b.rooted || b.lead != b.peers[0] {
				t.Fatal("the liar does not lead: nothing is tried")
			}
			for i := range liars {
				if b.lead != b.peers[i] {
					t.Fatalf("%s leads in the turn of %s", b.lead.Addr, b.peers[i].Addr)
				}
				b.drips(cs[i], evil, b.manifest.list.Known(), 2*stallTime)
			}
			if b.lead != b.peers[liars] || !cs[liars].active {
				t.Fatalf("%s leads after the liars", b.lead.Addr)
			}
			if err := b.tell(cs[liars], b.content, 0, 64); err != nil {
				t.Fatal(err)
			}
			b.finish(cs[liars+1])
		})
	}
}

// TestASlowLeadHasLongerEachTime: of two that know the file neither tells all of
// its hashes in time. That has to end, since each may be honest and far away.
func TestASlowLeadHasLongerEachTime(t *testing.T) {
	b := bare(t, 64<<20, 2)
	cs := b.all()
	for _, c := range cs {
		b.toldRoot(c, treeRoot(b.content))
	}
	b.settleNow()
	for round := range 3 {
		for i, c := range cs {
			if b.lead != b.peers[i] {
				t.Fatalf("round %d: %s leads in the turn of %s", round, b.lead.Addr, c.peer.Addr)
			}
			took := b.drips(c, b.content, 0, 64*time.Second)
			if least := stallTime << round; took < least || took > 2*least {
				t.Errorf("round %d: %v, want %v", round, took, least)
			}
		}
	}
}

// TestAnHonestLeadIsLeftAlone where nobody else says that he knows the file: a
// server may take long to hash it.
func TestAnHonestLeadIsLeftAlone(t *testing.T) {
	b := bare(t, 64<<20, 2)
	b.pin()
	cs := b.all()
	for i := range int64(60) {
		if err := b.tell(cs[0], b.content, i, i+1); err != nil {
			t.Fatal(err)
		}
		if err := b.pass(4 * time.Second); err != nil {
			t.Fatal(err)
		}
		if b.lead != b.peers[0] {
			t.Fatalf("%s leads after %d hashes", b.lead.Addr, i+1)
		}
	}
	if cs[1].peer.late > 0 {
		t.Error("somebody was late")
	}
}
