package peer

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"chunkcp/internal/assign"
)

// reader is what a stream goes to: it compares, and may be slow or leave.
type reader struct {
	want  []byte
	at    int
	begin time.Time // when the first byte came
	pause time.Duration
	leave int           // after so many bytes; 0: never
	stall time.Duration // once, in the middle
}

var errLeft = errors.New("the reader has left")

func (r *reader) Write(b []byte) (int, error) {
	if r.begin.IsZero() {
		r.begin = time.Now()
	}
	if r.leave > 0 && r.at >= r.leave {
		return 0, errLeft
	}
	if r.at+len(b) > len(r.want) || !bytes.Equal(b, r.want[r.at:r.at+len(b)]) {
		return 0, errors.New("other bytes than those that come next")
	}
	time.Sleep(r.pause)
	if r.at >= len(r.want)/2 {
		time.Sleep(r.stall)
		r.stall = 0
	}
	r.at += len(b)
	return len(b), nil
}

func (w *world) stream(r *reader) FetchOptions {
	r.want = w.content
	o := w.options()
	o.Out, o.Stream = "", r
	return o
}

func TestStream(t *testing.T) {
	for _, size := range []int{0, 1, assign.PieceBytes, 5<<20 + 17, 64 << 20} {
		inWorld(t, 1, 3, size, replicaLink, func(w *world) {
			var r reader
			f, took, err := w.run(w.stream(&r))
			if err != nil || r.at != size {
				t.Errorf("%d of %d bytes after %v: %v", r.at, size, took, err)
			}
			if f.pool.lent != 0 {
				t.Errorf("%d pieces are lent after the end", f.pool.lent)
			}
		})
	}
}

// TestStreamFromUnequals: the earliest bytes come from the fast peers, and a
// slow one does not hold them up.
func TestStreamFromUnequals(t *testing.T) {
	heavy(t)
	const size = 96 << 20
	alone := func(servers int) time.Duration {
		var took time.Duration
		inWorld(t, 1, servers, size, replicaLink, func(w *world) {
			if servers > 1 {
				slow := replicaLink
				slow.Rate /= 50
				w.net.SetPath(w.client.Addr(), w.servers[0].host.Addr(), slow)
			}
			var r reader
			var err error
			if _, took, err = w.run(w.stream(&r)); err != nil {
				t.Error(err)
			}
		})
		return took
	}
	one, two := alone(1), alone(2)
	t.Logf("the fast one alone %v, beside a slow one %v", one, two)
	if two > one+one/20 {
		t.Errorf("%v beside a slow peer, %v without it", two, one)
	}
}

// TestStreamIsBounded: a reader that is slow makes the fetch slow, and no memory
// full.
func TestStreamIsBounded(t *testing.T) {
	heavy(t)
	inWorld(t, 1, 3, 80<<20, replicaLink, func(w *world) {
		r := reader{pause: 100 * time.Millisecond}
		o := w.stream(&r)
		most := 0
		o.OnStart = func(f *Fetch) {
			w.watch(func() bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				most = max(most, f.pool.lent)
				return !f.over
			})
		}
		_, took, err := w.run(o)
		if err != nil {
			t.Fatal(err)
		}
		if took < 8*time.Second {
			t.Errorf("took %v: the reader was not slow", took)
		}
		if most < streamPieces/2 || most > maxPieces+len(w.servers) {
			t.Errorf("%d pieces were in memory at most", most)
		}
	})
}

// TestTheReaderPauses for longer than peers are waited for: nothing comes
// meanwhile, and that is not their fault.
func TestTheReaderPauses(t *testing.T) {
	inWorld(t, 1, 2, 40<<20, replicaLink, func(w *world) {
		r := reader{stall: 2 * defaultTimeout}
		_, took, err := w.run(w.stream(&r))
		if err != nil || took < defaultTimeout {
			t.Errorf("%d bytes after %v: %v", r.at, took, err)
		}
	})
}

// TestTheReaderLeaves ends a stream at once, and with its error.
func TestTheReaderLeaves(t *testing.T) {
	inWorld(t, 1, 2, 32<<20, replicaLink, func(w *world) {
		r := reader{leave: 3 << 20}
		_, took, err := w.run(w.stream(&r))
		var output *OutputError
		if !errors.Is(err, errLeft) || !errors.As(err, &output) {
			t.Errorf("after %v: %v", took, err)
		}
		within(t, "the end", took, 2*time.Second)
	})
}

// TestStreamOfALiar: a piece that is not what its hash says never goes out.
func TestStreamOfALiar(t *testing.T) {
	heavy(t)
	inWorld(t, 1, 2, 32<<20, replicaLink, func(w *world) {
		w.lie(w.servers[0], other(w.content, 2, 9, 16, 23))
		var r reader
		f, _, err := w.run(w.stream(&r))
		if err != nil || r.at != len(w.content) {
			t.Errorf("%d bytes, %v", r.at, err)
		}
		w.out(f, 0, ErrIntegrity)
	})
}

// TestStreamIsNoMixture: the peer whose hashes are followed turns out to be in
// the minority. What went out is its file all along, and the fetch fails.
func TestStreamIsNoMixture(t *testing.T) {
	heavy(t)
	failed := 0
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 6))
		inWorld(t, seed, 3, 24<<20, replicaLink, func(w *world) {
			odd := rng.IntN(3)
			files := [2][]byte{w.content, other(w.content)}
			w.replace(w.servers[odd], files[1])
			if seed%2 == 0 { // it answers first, and leads
				near := replicaLink
				near.Delay /= 2
				w.net.SetPath(w.client.Addr(), w.servers[odd].host.Addr(), near)
			}
			for _, s := range w.servers {
				w.slowHashing(s, 40*time.Millisecond) // the first pieces go out before the roots are known
			}
			r := mixed{files: files}
			o := w.options()
			o.Out, o.Stream = "", &r
			_, took, err := w.run(o)
			if r.both {
				t.Errorf("seed %d: a mixture went out", seed)
			}
			switch {
			case err == nil && r.which == 0 && r.at == len(w.content):
			case errors.Is(err, ErrPeersDisagree) && r.which == 1:
				failed++
			default:
				t.Errorf("seed %d: after %v: %v", seed, took, err)
			}
		})
	}
	if failed == 0 {
		t.Error("the odd one was never followed")
	}
}

// mixed notes which of two files, that differ in every piece, a stream has.
type mixed struct {
	files [2][]byte
	at    int
	which int
	both  bool
}

func (m *mixed) Write(b []byte) (int, error) {
	which := 0
	if bytes.Equal(b, m.files[1][m.at:m.at+len(b)]) {
		which = 1
	}
	m.both = m.both || m.at > 0 && which != m.which
	m.which = which
	m.at += len(b)
	return len(b), nil
}

// TestStreamOfAPinnedHash: nothing goes out that the hash has not been seen to
// stand for, whoever leads.
func TestStreamOfAPinnedHash(t *testing.T) {
	heavy(t)
	pinned := func(w *world, r *reader) FetchOptions {
		o := w.stream(r)
		root := treeRoot(w.content)
		o.Hash = &root
		for _, s := range w.servers {
			w.slowHashing(s, 10*time.Millisecond)
		}
		return o
	}
	inWorld(t, 1, 2, 48<<20, replicaLink, func(w *world) {
		var r reader
		if _, _, err := w.run(pinned(w, &r)); err != nil || r.at != len(w.content) {
			t.Errorf("%d bytes, %v", r.at, err)
		}
	})
	inWorld(t, 1, 2, 24<<20, replicaLink, func(w *world) {
		w.replace(w.servers[0], other(w.content))
		var r reader
		if _, _, err := w.run(pinned(w, &r)); err != nil || r.at != len(w.content) {
			t.Errorf("beside another file: %d bytes, %v", r.at, err)
		}
	})
	inWorld(t, 1, 1, 24<<20, replicaLink, func(w *world) {
		var r reader
		o := pinned(w, &r)
		w.replace(w.servers[0], other(w.content))
		if _, _, err := w.run(o); !errors.Is(err, ErrIntegrity) || r.at > 0 {
			t.Errorf("of nobody: %d bytes, %v", r.at, err)
		}
	})
}
