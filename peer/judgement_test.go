package peer

import (
	"errors"
	"testing"

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
	if b.assign.freeBytes != 2<<20 || !b.filled.IsZero() || b.written != 1<<20 {
		t.Errorf("%d bytes are to be fetched again, %d are written", b.assign.freeBytes, b.written)
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
	b.assign.have(p.data)
	copy(p.buf, other(b.content)[1<<20:])
	if err := b.deliver(p); err != nil || b.recalled != 1<<20 {
		t.Fatal(err, b.recalled)
	}
	if err := b.tell(c, b.content, 0, 2); err != nil {
		t.Fatal(err)
	}
	b.states(Live)
	if b.recalled != 0 || b.written != 0 || b.assign.freeBytes != b.size {
		t.Errorf("%d bytes resumed, %d written, %d to be fetched", b.recalled, b.written, b.assign.freeBytes)
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
