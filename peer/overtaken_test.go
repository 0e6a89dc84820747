package peer

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"

	"chunkcp/arq"
	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// lender is a fetch without a network: sessions that take segments by hand.
type lender struct {
	*Fetch
	t *testing.T
}

func newLender(t *testing.T, size int64) *lender {
	f := &Fetch{
		opt: FetchOptions{Sessions: 9}, log: zap.NewNop(), size: size, assign: assign.New(size, 1), manifest: newManifest(size),
		agreement: newAgreement(nil), byID: map[assign.SessionID]*clientSession{},
		writes: make(chan *piece, 100), pool: piecePool{limit: maxPieces}, parts: map[int64]*piece{},
		sessions: map[*clientSession]struct{}{},
	}
	return &lender{f, t}
}

func (l *lender) session() *clientSession {
	c := &clientSession{
		session: newSession(1, true, newKeys(), proto.Welcome{Credit: 1 << 20}, time.Millisecond,
			arq.Config{Controller: &arq.Fixed{WindowBytes: 1 << 20}}),
		fetch: l.Fetch, peer: &peerState{state: Live, size: l.size}, id: l.nextID, size: l.size, answered: true, joined: true,
		active: true, nextID: clientFile + 1,
		gets: map[proto.ID]*get{}, pieces: map[int64]*piece{},
	}
	c.party, c.lander, c.conn = c, c, &wire{}
	l.nextID++
	l.sessions[c] = struct{}{}
	l.byID[c.id] = c
	l.assign.Join(c.id, int(c.id), 0)
	return c
}

// arrive hands a session the bytes r as an answer to its only request.
func (l *lender) arrive(c *clientSession, r rangeset.Range) {
	l.t.Helper()
	for id := range c.gets {
		const step = 1000
		for ; !r.Empty(); r.Start += step {
			seg := proto.Segment{Request: id, Offset: r.Start, Payload: make([]byte, min(step, r.Len()))}
			if !c.room(&seg) {
				l.t.Fatal("no room")
			}
			c.place(&seg)
		}
	}
}

// settled fails the test if anybody still waits for, or holds, anything.
func (l *lender) settled(sessions ...*clientSession) {
	l.t.Helper()
	for len(l.writes) > 0 {
		l.pool.put(<-l.writes)
	}
	for _, c := range sessions {
		if held := l.assign.Lease(c.id); len(c.gets) != 0 || len(c.pieces) != 0 || len(held) != 0 {
			l.t.Errorf("session %d has %d requests and %d pieces, and holds %v", c.id, len(c.gets), len(c.pieces), held)
		}
	}
	if !l.assign.Complete() || l.pool.lent != 0 {
		l.t.Errorf("%d bytes are left, %d pieces are lent", l.assign.Left(), l.pool.lent)
	}
}

// TestALateSessionIsFirstAfterAll: a session is silent, another takes over its
// piece, and then the first one's rest comes. The other stops waiting when it
// sees the first segment of what it has no use for.
func TestALateSessionIsFirstAfterAll(t *testing.T) {
	l := newLender(t, 100_000)
	late, other := l.session(), l.session()
	late.takeWork(time.Now())
	l.arrive(late, rangeset.Range{End: 60_000})
	l.silent(late)
	other.takeWork(time.Now())
	if len(other.gets) != 1 {
		t.Fatal("the piece was not given to another")
	}
	l.arrive(late, rangeset.Range{Start: 60_000, End: 100_000})
	l.arrive(other, rangeset.Range{End: 1000})
	l.settled(late, other)
}

// TestBothHaveIt: both have begun the piece, and both complete it.
func TestBothHaveIt(t *testing.T) {
	l := newLender(t, 100_000)
	late, other := l.session(), l.session()
	late.takeWork(time.Now())
	l.arrive(late, rangeset.Range{End: 60_000})
	l.silent(late)
	other.takeWork(time.Now())
	l.arrive(other, rangeset.Range{End: 50_000})
	l.arrive(late, rangeset.Range{Start: 60_000, End: 100_000})
	l.arrive(other, rangeset.Range{Start: 50_000, End: 100_000})
	l.settled(late, other)
}

// TestNothingIsLeftToRevive: all that a silent session had was fetched by
// another before it came back.
func TestNothingIsLeftToRevive(t *testing.T) {
	l := newLender(t, 100_000)
	late, other := l.session(), l.session()
	late.takeWork(time.Now())
	late.silent = true
	l.silent(late)
	other.takeWork(time.Now())
	l.arrive(other, rangeset.Range{End: 100_000})
	if err := late.revive(); err != nil {
		t.Fatal(err)
	}
	l.settled(late, other)
}

// TestPartIsLeftToRevive: of two pieces of one request the other session has
// one; the rest is claimed again, and the request ends with it.
func TestPartIsLeftToRevive(t *testing.T) {
	l := newLender(t, 2*assign.PieceBytes)
	late, other := l.session(), l.session()
	l.lend(late, rangeset.Range{End: 2 * assign.PieceBytes})
	late.silent = true
	l.silent(late)
	l.lend(other, rangeset.Range{End: assign.PieceBytes})
	l.arrive(other, rangeset.Range{End: assign.PieceBytes})
	if err := late.revive(); err != nil {
		t.Fatal(err)
	}
	l.arrive(late, rangeset.Range{Start: assign.PieceBytes, End: 2 * assign.PieceBytes})
	l.settled(late, other)
}

// lend gives a session a range as if it had asked for it.
func (l *lender) lend(c *clientSession, r rangeset.Range) {
	if !l.assign.Reclaim(c.id, []rangeset.Range{r}) {
		l.t.Fatalf("%v is not free", r)
	}
	c.gets[c.nextID] = newGet(r)
	c.nextID++
}

// TestAPieceInCrumbs: a server that sends one byte in two is given up before
// they are many.
func TestAPieceInCrumbs(t *testing.T) {
	l := newLender(t, assign.PieceBytes)
	c := l.session()
	c.takeWork(time.Now())
	for id := range c.gets {
		for i := int64(0); c.watch(time.Now()) == nil; i++ {
			seg := proto.Segment{Request: id, Offset: 2 * i, Payload: []byte{1}}
			if i > maxFragments || !c.room(&seg) {
				t.Fatalf("%d crumbs were taken", i)
			}
			c.place(&seg)
		}
	}
	if err := c.watch(time.Now()); !errors.Is(err, arq.ErrViolation) || len(c.pieces) != 1 {
		t.Errorf("%v, %d pieces", err, len(c.pieces))
	}
}
