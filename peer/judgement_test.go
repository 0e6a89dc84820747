package peer

import (
	"errors"
	"testing"

	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/proto"
)

func (b *bareFetch) toldRoot(c *clientSession, root tree.Hash) {
	b.heardRoot(c, &proto.Root{File: clientFile, Root: root})
}

func (b *bareFetch) settleNow() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
}

// TestOnlyTheAgreedFileEndsAFetch: all bytes are here, and are another file's.
// Who gave them is convicted once the list is sealed.
func TestOnlyTheAgreedFileEndsAFetch(t *testing.T) {
	b := bare(t, 3<<20, 3)
	cs := b.all()
	for i := range int64(3) {
		b.give(cs[2], other(b.content), i)
	}
	for _, c := range cs[:2] {
		b.toldRoot(c, treeRoot(b.content))
	}
	b.settleNow()
	if !b.rooted || b.filled.IsZero() || len(b.result) != 0 {
		t.Fatalf("agreed: %v, outcomes: %d", b.rooted, len(b.result))
	}
	if err := b.tell(cs[0], b.content, 0, 2); err != nil {
		t.Fatal(err)
	}
	if b.assign.Free() != 2<<20 || !b.filled.IsZero() || b.written != 1<<20 {
		t.Errorf("%d bytes are to be fetched again, %d are written", b.assign.Free(), b.written)
	}
	b.states(Live, Live, Live)
	if err := b.tell(cs[0], b.content, 2, 3); err != nil {
		t.Fatal(err)
	}
	b.states(Live, Live, Out)
	for i := range int64(3) {
		b.give(cs[1], b.content, i)
	}
	if len(b.result) != 1 || <-b.result != nil {
		t.Error("it has not ended well")
	}
}

// TestTheListOfTheLeadIsItsWord for the root, where it tells none.
func TestTheListOfTheLeadIsItsWord(t *testing.T) {
	b := bare(t, 3<<20, 1)
	c := b.opened(0, 3<<20)
	if err := b.tell(c, b.content, 0, 3); err != nil {
		t.Fatal(err)
	}
	if !b.rooted || b.root != treeRoot(b.content) {
		t.Error("no root")
	}
}

// TestAnotherVersionFromTheSamePeer ends the session that hears of it.
func TestAnotherVersionFromTheSamePeer(t *testing.T) {
	b := bare(t, 1<<20, 1)
	b.opened(0, 1<<20)
	err := b.agree(b.session(0), &proto.Opened{ID: clientFile, Size: 1 << 20, Version: proto.FileVersion{99}})
	if !errors.Is(err, ErrSourceChanged) {
		t.Error(err)
	}
}

// TestAnotherSizeThanWasAgreedOn sends a peer away, be it early or late.
func TestAnotherSizeThanWasAgreedOn(t *testing.T) {
	b := bare(t, 2<<20, 4)
	b.opened(0, 2<<20)
	b.opened(1, 2<<20)
	b.opened(2, 1<<20)
	b.answered = b.answered.Add(-sizeGrace)
	b.settleNow()
	b.states(Live, Live, Out, Probing)
	err := b.agree(b.session(3), &proto.Opened{ID: clientFile, Size: 1 << 20})
	if !errors.Is(err, ErrPeersDisagree) {
		t.Error(err)
	}
	b.states(Live, Live, Out, Out)
}

// TestAFileThatChangesHasNoSize: what its peer has said counts no more.
func TestAFileThatChangesHasNoSize(t *testing.T) {
	b := bare(t, 1<<20, 3)
	b.opened(0, 2<<20)
	b.opened(1, 1<<20)
	b.mu.Lock()
	b.bench(b.peers[0], ErrSourceChanged)
	b.mu.Unlock()
	b.settleNow()
	if b.size != 1<<20 {
		t.Errorf("%d bytes", b.size)
	}
}

// TestWhoseRootIsWaitedFor: not that of who is gone, and no longer than
// rootGrace that of who is alive.
func TestWhoseRootIsWaitedFor(t *testing.T) {
	for name, change := range map[string]func(b *bareFetch){
		"gone": func(b *bareFetch) { b.bench(b.peers[1], ErrRefused) },
		"late": func(b *bareFetch) { b.filled = b.filled.Add(-rootGrace) },
	} {
		t.Run(name, func(t *testing.T) {
			b := bare(t, 1<<20, 2)
			cs := b.all()
			b.give(cs[1], b.content, 0)
			b.toldRoot(cs[0], treeRoot(b.content))
			b.toldRoot(cs[0], tree.Hash{}) // it has told one
			b.settleNow()
			if b.rooted {
				t.Fatal("one of two suffices")
			}
			b.mu.Lock()
			change(b)
			b.settle()
			b.mu.Unlock()
			if !b.rooted || b.root != treeRoot(b.content) || len(b.result) != 1 {
				t.Error("it is waited for")
			}
		})
	}
}

// TestWhatWasHereAndProvesWrong is nobody's fault, and not counted as resumed.
func TestWhatWasHereAndProvesWrong(t *testing.T) {
	b := bare(t, 2<<20, 1)
	c := b.opened(0, 2<<20)
	p := b.borrow(&source{generation: b.generation, target: nowhere{}}, 1)
	b.assign.Have(p.data)
	copy(p.buf, other(b.content)[1<<20:])
	if err := b.deliver(p); err != nil || b.recalled != 1<<20 {
		t.Fatal(err, b.recalled)
	}
	if err := b.tell(c, b.content, 0, 2); err != nil {
		t.Fatal(err)
	}
	b.states(Live)
	if b.recalled != 0 || b.written != 0 || b.assign.Free() != b.size {
		t.Errorf("%d bytes resumed, %d written, %d to be fetched", b.recalled, b.written, b.assign.Free())
	}
}

func TestManifest(t *testing.T) {
	m := newManifest(2 << 20)
	one, two := tree.Hash{1}, tree.Hash{2}
	m.heard(0, [][32]byte{one})
	m.heard(0, [][32]byte{two, two})
	if h, _ := m.list.Get(0); h != one {
		t.Error("the lead takes back what it has told")
	}
	m.keep(0, one, 7)
	if from := m.lose(0); from != 7 {
		t.Errorf("lost a piece of %d", from)
	}
	m.keep(0, one, -1)
	if from := m.lose(0); from != -1 {
		t.Errorf("lost a piece of %d, which gave another one", from)
	}
}

// TestWhoDifferedIsConvictedByASealedList, and not before.
func TestWhoDifferedIsConvictedByASealedList(t *testing.T) {
	b := bare(t, 3<<20, 3)
	cs := b.all()
	b.give(cs[2], other(b.content), 0)
	if err := b.tell(cs[0], b.content, 0, 2); err != nil {
		t.Fatal(err)
	}
	b.toldRoot(cs[0], treeRoot(b.content))
	b.toldRoot(cs[1], treeRoot(b.content))
	b.states(Live, Live, Live)
	if err := b.tell(cs[0], b.content, 2, 3); err != nil {
		t.Fatal(err)
	}
	b.states(Live, Live, Out)
}

// TestWhoDifferedFromABadLeadIsPardoned, whether or not another one can lead.
func TestWhoDifferedFromABadLeadIsPardoned(t *testing.T) {
	for _, peers := range []int{2, 3} {
		b := bare(t, 3<<20, peers)
		cs := b.all()
		b.give(cs[1], b.content, 0)
		b.give(cs[0], b.content, 1)
		for i := range int64(2) { // the second names a piece of its own wrong
			if err := b.tell(cs[0], other(b.content), i, i+1); err != nil {
				t.Fatal(err)
			}
		}
		if p := b.peers[1]; p.state != Live || p.bad != nil || !cs[1].active || b.lead == b.peers[0] {
			t.Errorf("of %d: %s, %q, leads: %v", peers, p.state, p.note, b.lead == p)
		}
	}
}

func TestAgreementOnARoot(t *testing.T) {
	x, y := tree.Hash{1}, tree.Hash{2}
	for name, tc := range map[string]struct {
		roots []tree.Hash // the zero hash: none is told yet
		final bool
		want  tree.Hash // the zero hash: open
	}{
		"a majority waits for nobody":             {[]tree.Hash{y, y, {}}, false, y},
		"without one the last is waited for":      {[]tree.Hash{x, y, {}}, false, tree.Hash{}},
		"as many: the first in the config":        {[]tree.Hash{x, y}, false, x},
		"as many, in another order":               {[]tree.Hash{y, x}, false, y},
		"in the end who has told nothing is none": {[]tree.Hash{{}, {}, y}, true, y},
	} {
		a := newAgreement(nil)
		for i, r := range tc.roots {
			a.answered(i, secure.PublicKey{byte(i)}, 5)
			if r != (tree.Hash{}) {
				a.told(i, r)
			}
		}
		for i := range 9 { // of another size
			a.answered(10+i, secure.PublicKey{byte(10 + i)}, 6)
			a.told(10+i, tree.Hash{3})
		}
		root, ok := a.root(5, tc.final)
		if ok != (tc.want != tree.Hash{}) || ok && root != tc.want {
			t.Errorf("%s: %v, %v", name, root, ok)
		}
	}
}

// TestAStreamBeginsOnce: what was written cannot be taken back.
func TestAStreamBeginsOnce(t *testing.T) {
	b := bare(t, 2<<20, 1)
	d := newStreamDestination(nil)
	b.dest = d
	c := b.opened(0, 2<<20)
	b.give(c, b.content, 0)
	if d.next != 0 {
		t.Error("a piece went out whose hash nobody has told")
	}
	if err := b.tell(c, b.content, 0, 1); err != nil || d.next != 1 {
		t.Fatal(err, d.next)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.begin(3 << 20); !errors.Is(err, ErrPeersDisagree) || ofSize(err) {
		t.Errorf("it begins again: %v", err)
	}
}

// during is a place where something happens while a piece is written.
type during func()

func (d during) WriteAt(b []byte, _ int64) (int, error) { d(); return len(b), nil }

// TestWhatHappensDuringAWrite counts: the piece's hash comes, or the peers agree
// on another file.
func TestWhatHappensDuringAWrite(t *testing.T) {
	b := bare(t, 3<<20, 2)
	cs := b.all()
	b.target = during(func() {
		if err := b.tell(cs[0], b.content, 0, 1); err != nil {
			t.Error(err)
		}
	})
	b.give(cs[1], other(b.content), 0)
	if b.written != 0 || b.assign.Free() != b.size || b.peers[1].bad == nil {
		t.Errorf("a wrong piece counts: %d bytes are written", b.written)
	}
	b.target = during(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if err := b.begin(4 << 20); err != nil {
			t.Error(err)
		}
	})
	b.give(cs[0], b.content, 1)
	if b.written != 0 || b.manifest.mine.Known() != 0 || b.pool.lent != 0 || b.writing != 0 {
		t.Errorf("a piece of another file counts: %d bytes are written", b.written)
	}
}

// TestTheLeadsNextSessionIsAsked where the one that was asked has ended.
func TestTheLeadsNextSessionIsAsked(t *testing.T) {
	b := bare(t, 3<<20, 1)
	first, second := b.opened(0, 3<<20), b.opened(0, 3<<20)
	if !first.told.tree || second.told.tree {
		t.Fatalf("asked: %v, %v", first.told.tree, second.told.tree)
	}
	b.leave(first)
	if !second.told.tree {
		t.Error("nobody is asked")
	}
}
