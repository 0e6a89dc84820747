package peer

import (
	"testing"

	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
)

// said is what a peer has said by the time that somebody has to decide.
type said struct {
	size                  int64
	root                  byte // 0: not told
	key                   byte // 0: one of its own
	gone, caught, retired bool
}

func TestAgreement(t *testing.T) {
	const a, b = 1, 2
	pin := tree.Hash{b}
	for _, tc := range []struct {
		name  string
		pin   *tree.Hash
		peers []said
		size  int64 // -1: none
		root  byte  // 0: open
		final byte  // what the root is if nobody is waited for; 0: open
	}{
		{name: "nobody", size: -1},
		{name: "one that has not told", peers: []said{{size: 10}}, size: 10},
		{name: "one", peers: []said{{size: 10, root: a}}, size: 10, root: a, final: a},
		{name: "two, of which one is waited for", peers: []said{{size: 10, root: a}, {size: 10}}, size: 10, final: a},
		{name: "two, of which one is gone", peers: []said{{size: 10}, {size: 10, root: b, gone: true}}, size: 10, final: b},
		{name: "the other has told and gone", peers: []said{{size: 10, gone: true}, {size: 10, root: b}}, size: 10, root: b, final: b},
		{name: "more than half", peers: []said{{size: 10}, {size: 10, root: b}, {size: 10, root: b}}, size: 10, root: b, final: b},
		{name: "first in the config", peers: []said{{size: 10, root: b}, {size: 10, root: a}}, size: 10, root: b, final: b},
		{name: "majority, not the first", peers: []said{{size: 10, root: a}, {size: 10, root: b}, {size: 10, root: b}}, size: 10, root: b, final: b},
		{name: "sizes: majority", peers: []said{{size: 9}, {size: 10}, {size: 10}}, size: 10},
		{name: "sizes: first in the config", peers: []said{{size: 9, root: a}, {size: 10, root: b}}, size: 9, root: a, final: a},
		{name: "pinned", pin: &pin, peers: []said{{size: 9, root: a}, {size: 9, root: a}, {size: 10, root: b}}, size: 10, root: b, final: b},
		{name: "pinned, and nobody has told", pin: &pin, peers: []said{{size: 9}, {size: 10}, {size: 10}}, size: 10, root: b, final: b},
		{name: "pinned, and the first has another", pin: &pin, peers: []said{{size: 9, root: a}, {size: 10}}, size: 10, root: b, final: b},
		{name: "one that was caught alone", peers: []said{{size: 9, root: a, caught: true}, {size: 10, root: b}}, size: 10, root: b, final: b},
		{name: "two that were caught alone", peers: []said{{size: 9, root: a, caught: true}, {size: 9, root: a, caught: true}, {size: 10, root: b}}, size: 10, root: b, final: b},
		{name: "one that was caught beside another", peers: []said{{size: 10, root: a}, {size: 10, root: b, caught: true}, {size: 10, root: b}}, size: 10, root: b, final: b},
		{name: "one key has one vote", peers: []said{{size: 10, root: a}, {size: 10, root: b, key: 7}, {size: 10, root: b, key: 7}}, size: 10, root: a, final: a},
		{name: "one key has one vote for a size", peers: []said{{size: 9}, {size: 10, key: 7}, {size: 10, key: 7}}, size: 9},
		{name: "one key has no more votes for many sizes", peers: []said{{size: 11, key: 7}, {size: 9, key: 7}, {size: 10}, {size: 9}}, size: 11},
		{name: "one key, of which one address is slow", peers: []said{{size: 10, key: 7}, {size: 10, root: b, key: 7}}, size: 10, root: b, final: b},
		{name: "one key that was caught at one address", peers: []said{{size: 9, root: a, key: 7}, {size: 9, caught: true, key: 7}, {size: 10, root: b}}, size: 10, root: b, final: b},
		{name: "one that took back its word", peers: []said{{size: 9, root: a, retired: true}, {size: 10, root: b}}, size: 10, root: b, final: b},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newAgreement(tc.pin)
			for i, p := range tc.peers {
				key := secure.PublicKey{p.key}
				if p.key == 0 {
					key = secure.PublicKey{0, byte(i)}
				}
				g.answered(i, key, p.size)
				if p.root != 0 {
					g.told(i, tree.Hash{p.root})
				}
				if p.gone {
					g.gone(i)
				}
				if p.caught {
					g.caught(i)
				}
				if p.retired {
					g.withdraw(i)
				}
			}
			size, ok := g.size()
			if !ok {
				size = -1
			}
			if size != tc.size {
				t.Errorf("size %d, want %d", size, tc.size)
			}
			for _, final := range []bool{false, true} {
				want := tc.root
				if final {
					want = tc.final
				}
				root, decided := g.root(size, final)
				if decided != (want != 0) || decided && root != (tree.Hash{want}) {
					t.Errorf("final %v: root %x, %v; want %d", final, root[0], decided, want)
				}
			}
		})
	}
}

// A peer that opens anew with a file of another size has another file.
func TestAnswersAnew(t *testing.T) {
	g := newAgreement(nil)
	g.answered(0, secure.PublicKey{}, 10)
	g.told(0, tree.Hash{1})
	g.gone(0)
	g.answered(0, secure.PublicKey{}, 10)
	if root, ok := g.root(10, false); !ok || root != (tree.Hash{1}) {
		t.Errorf("the same file: %x, %v", root[0], ok)
	}
	g.answered(0, secure.PublicKey{}, 11)
	if _, ok := g.root(11, true); ok {
		t.Error("another file has the root of the one before")
	}
}
