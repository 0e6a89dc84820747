package peer

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
	"chunkcp/internal/tree"
	"chunkcp/internal/treecache"
)

// fixedTrees is a cache in which a server finds the same list whatever its file
// is: it believes, and tells, that its file is another one.
type fixedTrees struct{ list *tree.List }

func (c fixedTrees) Get(treecache.Key) (*tree.List, bool) { return c.list, true }
func (fixedTrees) Put(treecache.Key, *tree.List) error    { return nil }

func listOf(content []byte) *tree.List {
	l := tree.NewList(int64(len(content)))
	for i := range l.Len() {
		r := assign.PieceRange(i, l.Size())
		l.Set(i, tree.PieceHash(content[r.Start:r.End], i, l.Len()))
	}
	return l
}

// other returns content that differs from b in the pieces that are named, or in
// all if none is.
func other(b []byte, pieces ...int64) []byte {
	b = bytes.Clone(b)
	if len(pieces) == 0 {
		for i := range tree.Pieces(int64(len(b))) {
			pieces = append(pieces, i)
		}
	}
	for _, i := range pieces {
		b[assign.PieceRange(i, int64(len(b))).Start+5] ^= 1
	}
	return b
}

// replace gives a server another file, before it is asked for the first time.
func (w *world) replace(s *simServer, content []byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(s.root, fileName), content, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// lie has a server serve content and tell the hashes of the right file.
func (w *world) lie(s *simServer, content []byte) {
	w.halt(s)
	w.replace(s, content)
	s.trees = fixedTrees{listOf(w.content)}
	w.serve(s)
}

// slowHashing has a server take its time to hash each piece.
func (w *world) slowHashing(s *simServer, piece time.Duration) {
	w.halt(s)
	s.hashPause = func() { time.Sleep(piece) }
	w.serve(s)
}

// out expects a peer to take no part, for a reason.
func (w *world) out(f *Fetch, peer int, why error) {
	w.t.Helper()
	p := f.Snapshot().Peers[peer]
	if p.State != Out || !strings.Contains(p.Note, why.Error()) {
		w.t.Errorf("peer %d: %s, %q; want it out for %q", peer, p.State, p.Note, why)
	}
}

func (w *world) in(f *Fetch, peer int) {
	w.t.Helper()
	if p := f.Snapshot().Peers[peer]; p.State != Live {
		w.t.Errorf("peer %d: %s, %q", peer, p.State, p.Note)
	}
}

var replicaLink = netsim.Link{Rate: 12_500_000, Delay: 10 * time.Millisecond, MTU: 1500}

// TestThreeReplicas: one is another version, one lies in a few of its pieces, one
// is honest. In whichever order they stand in the config, and
// whether or not the roots are known at first, the right file comes.
func TestThreeReplicas(t *testing.T) {
	heavy(t)
	const size = 64<<20 + 12345
	for _, order := range [][3]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		for name, pause := range map[string]time.Duration{"roots are known soon": 0, "roots are known late": 30 * time.Millisecond} {
			t.Run(name, func(t *testing.T) {
				inWorld(t, 1, 3, size, replicaLink, func(w *world) {
					version, liar, honest := order[0], order[1], order[2]
					w.replace(w.servers[version], other(w.content))
					w.lie(w.servers[liar], other(w.content, 3, 11, 19, 27, 35, 43, 51, 59))
					for _, i := range []int{version, honest} {
						w.slowHashing(w.servers[i], pause)
					}
					f, took := w.fetch(w.options())
					t.Logf("order %v: %v", order, took)
					w.out(f, version, ErrPeersDisagree)
					w.out(f, liar, ErrIntegrity)
					w.in(f, honest)
					if s := f.Snapshot(); s.Root != treeRoot(w.content).Text() {
						t.Errorf("root %s", s.Root)
					}
				})
			})
		}
	}
}

// TestOnePieceInAHundred is a lie, and one that is asked for: by the peer whose
// beginning of the file comes with the handshake. Another one is another version.
func TestOnePieceInAHundred(t *testing.T) {
	heavy(t)
	for name, pause := range map[string]time.Duration{"roots are known soon": 0, "roots are known late": 30 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 3, 100<<20, replicaLink, func(w *world) {
				w.lie(w.servers[0], other(w.content, 1))
				w.replace(w.servers[1], other(w.content))
				late := replicaLink // so that the liar is the first to answer
				late.Delay *= 2
				for _, s := range w.servers[1:] {
					w.slowHashing(s, pause)
					w.net.SetPath(w.client.Addr(), s.host.Addr(), late)
				}
				f, _ := w.fetch(w.options())
				w.out(f, 0, ErrIntegrity)
				w.out(f, 1, ErrPeersDisagree)
				w.in(f, 2)
			})
		})
	}
}

func treeRoot(content []byte) tree.Hash {
	root, _ := listOf(content).Root()
	return root
}

// TestSizesDiffer: the first to answer has another file than the other two. What
// it gave is fetched anew.
func TestSizesDiffer(t *testing.T) {
	for name, size := range map[string]int{"longer": 9 << 20, "shorter": 3 << 20, "empty": 0} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 3, 8<<20, replicaLink, func(w *world) {
				w.replace(w.servers[0], make([]byte, size))
				late := replicaLink
				late.Delay = 30 * time.Millisecond // heard after 120 ms, within settleTime of the first
				for _, s := range w.servers[1:] {
					w.net.SetPath(w.client.Addr(), s.host.Addr(), late)
				}
				f, _ := w.fetch(w.options())
				w.out(f, 0, ErrPeersDisagree)
				w.in(f, 1)
				w.in(f, 2)
			})
		})
	}
}

// TestFirstInTheConfigWins: of two files that as many peers have.
func TestFirstInTheConfigWins(t *testing.T) {
	for name, file := range map[string]func([]byte) []byte{
		"another size":    func(b []byte) []byte { return b[:len(b)-1] },
		"another content": func(b []byte) []byte { return other(b, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 2, 8<<20, replicaLink, func(w *world) {
				w.replace(w.servers[1], file(w.content))
				late := replicaLink
				late.Delay = 25 * time.Millisecond
				w.net.SetPath(w.client.Addr(), w.servers[0].host.Addr(), late)
				f, _ := w.fetch(w.options())
				w.out(f, 1, ErrPeersDisagree)
			})
		})
	}
}

// TestPinnedHash: who has another file takes no part, however many they are.
func TestPinnedHash(t *testing.T) {
	pin := func(w *world) FetchOptions {
		o := w.options()
		root := treeRoot(w.content)
		o.Hash = &root
		return o
	}
	for name, file := range map[string]func([]byte) []byte{
		"another size":    func(b []byte) []byte { return b[:len(b)-1] },
		"another content": func(b []byte) []byte { return other(b, 3) },
	} {
		t.Run("of one with "+name+" than two", func(t *testing.T) {
			inWorld(t, 1, 3, 8<<20, replicaLink, func(w *world) {
				w.replace(w.servers[0], file(w.content))
				w.replace(w.servers[1], file(w.content))
				f, _ := w.fetch(pin(w))
				w.out(f, 0, ErrIntegrity)
				w.out(f, 1, ErrIntegrity)
				w.in(f, 2)
			})
		})
		t.Run("of nobody: "+name, func(t *testing.T) {
			inWorld(t, 1, 2, 8<<20, replicaLink, func(w *world) {
				o := pin(w)
				w.replace(w.servers[0], file(w.content))
				w.replace(w.servers[1], file(w.content))
				w.refuse(o, ErrIntegrity)
			})
		})
	}
	t.Run("of all", func(t *testing.T) {
		inWorld(t, 1, 2, 8<<20, replicaLink, func(w *world) { w.fetch(pin(w)) })
	})
}

// TestAPinnedHashAmongLiars: two servers have a file of another size, and hashes for
// it that make the pinned one. Over their slow links no piece of it comes that could
// convict them. The honest one shows its size as soon as it has hashed its file.
func TestAPinnedHashAmongLiars(t *testing.T) {
	inWorld(t, 1, 3, 16<<20, replicaLink, func(w *world) {
		short := tree.NewList(8 << 20)
		for i, h := range inTwos(w.content).Hashes {
			short.Set(int64(i), h)
		}
		slow, honest := replicaLink, replicaLink
		slow.Rate, honest.Rate = 20_000, 5_000_000
		w.net.SetPath(w.client.Addr(), w.servers[2].host.Addr(), honest)
		for _, s := range w.servers[:2] {
			w.halt(s)
			w.replace(s, w.content[:8<<20])
			s.trees = fixedTrees{short}
			w.serve(s)
			w.net.SetPath(w.client.Addr(), s.host.Addr(), slow)
		}
		w.slowHashing(w.servers[2], 100*time.Millisecond)
		o := w.options()
		root := treeRoot(w.content)
		o.Hash = &root
		if r, ok := short.Root(); !ok || r != root {
			t.Fatal("the liars' hashes make another root: nothing is tried")
		}
		core, logs := observer.New(zap.InfoLevel)
		o.Log = zap.New(core)
		f, took := w.fetch(o)
		within(t, "it", took, firstPatience/2)
		if logs.FilterMessage("fetching").FilterField(zap.Int64("bytes", 8<<20)).Len() == 0 {
			t.Error("the liars' size was not under way: nothing was tried")
		}
		w.out(f, 0, ErrIntegrity)
		w.out(f, 1, ErrIntegrity)
		w.in(f, 2)
	})
}

// TestTheOnlyPeerLies: there is nobody else to fetch the piece from.
func TestTheOnlyPeerLies(t *testing.T) {
	inWorld(t, 1, 1, 8<<20, replicaLink, func(w *world) {
		w.lie(w.servers[0], other(w.content, 3))
		_, took := w.refuse(w.options(), ErrIntegrity)
		within(t, "finding out", took, 5*time.Second)
	})
}

// TestTheLeadDies: another tells the hashes, and what it says holds for what
// came before.
func TestTheLeadDies(t *testing.T) {
	inWorld(t, 1, 3, 32<<20, replicaLink, func(w *world) {
		w.replace(w.servers[0], other(w.content, 1))
		for _, s := range w.servers {
			w.slowHashing(s, 20*time.Millisecond)
		}
		w.after(400*time.Millisecond, w.servers[0].host.Down)
		w.fetch(w.options())
	})
}

// TestHashesOnly: the hashes come, and nothing else.
func TestHashesOnly(t *testing.T) {
	inWorld(t, 1, 2, 32<<20+1, replicaLink, func(w *world) {
		o := w.options()
		o.Out, o.HashesOnly = "", true
		f, took, err := w.run(o)
		if err != nil {
			t.Fatal(err)
		}
		within(t, "hashes", took, time.Second)
		if root, ok := f.List().Root(); !ok || root != treeRoot(w.content) {
			t.Errorf("root %v, %v", root, ok)
		}
		for _, p := range f.Snapshot().Peers {
			if p.Bytes != 0 {
				t.Errorf("%s sent %d bytes", p.Addr, p.Bytes)
			}
		}
	})
}

// TestReplicasAtRandom: servers with any of three files, some of which lie; the
// majority's comes, or the right error.
func TestReplicasAtRandom(t *testing.T) {
	heavy(t)
	seeds := 60
	if testing.Short() {
		seeds = 10
	}
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 5))
		n, size := 2+rng.IntN(4), 1+rng.IntN(12<<20)
		link := replicaLink
		link.Delay = time.Duration(1+rng.IntN(40)) * time.Millisecond
		inWorld(t, seed, n, size, link, func(w *world) {
			files := [][]byte{w.content, other(w.content, 0), w.content[:size-rng.IntN(size)]}
			for _, s := range w.servers {
				w.replace(s, files[rng.IntN(3)])
				if rng.IntN(2) == 0 {
					w.slowHashing(s, time.Duration(rng.IntN(50))*time.Millisecond)
				}
			}
			o := w.options()
			_, took, err := w.run(o)
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
				return
			}
			within(t, "it", took, time.Minute)
			got, err := os.ReadFile(o.Out)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if bytes.Equal(got, f) {
					return
				}
			}
			t.Errorf("seed %d: a file that nobody has", seed)
		})
	}
}

// TestOneKeyHasOneVote: the server with another file is in the config at two
// addresses. That makes it no majority, and the user is told.
func TestOneKeyHasOneVote(t *testing.T) {
	inWorld(t, 1, 3, 3<<20, replicaLink, func(w *world) {
		for _, s := range w.servers[1:] {
			w.halt(s)
			s.id = w.servers[1].id
			w.replace(s, other(w.content))
			w.serve(s)
		}
		core, logs := observer.New(zap.WarnLevel)
		o := w.options()
		o.Log = zap.New(core)
		f, _ := w.fetch(o)
		w.in(f, 0)
		w.out(f, 1, ErrPeersDisagree)
		w.out(f, 2, ErrPeersDisagree)
		if n := logs.FilterMessageSnippet("one key").Len(); n != 1 {
			t.Errorf("the user is warned %d times", n)
		}
	})
}
