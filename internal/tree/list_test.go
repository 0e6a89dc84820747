package tree

import (
	"math"
	"runtime"
	"strings"
	"testing"

	"lukechampine.com/blake3/guts"
	"pgregory.net/rapid"
)

// leftFull joins hashes as the BLAKE3 paper (section 2.1) words it: the left
// subtree is the largest full one that leaves something for the right.
func leftFull(hashes []Hash, flags uint32) Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	left := 1
	for 2*left < len(hashes) {
		left *= 2
	}
	l, r := leftFull(hashes[:left], 0), leftFull(hashes[left:], 0)
	return fromValue(guts.ChainingValue(guts.ParentNode(toValue(l), toValue(r), &guts.IV, flags)))
}

func TestRootIsLeftFull(t *testing.T) {
	random := generator(t)
	for n := range int64(70) {
		l := NewList(n*PieceBytes + 1 + random.Int64N(PieceBytes))
		hashes := make([]Hash, n+1)
		if l.Len() != n+1 {
			t.Fatalf("%d pieces, want %d", l.Len(), n+1)
		}
		for i := range hashes {
			for j := range hashes[i] {
				hashes[i][j] = byte(random.Uint32())
			}
			if root, ok := l.Root(); ok || root != (Hash{}) {
				t.Fatalf("a root with %d of %d known", i, n+1)
			}
			l.Set(int64(i), hashes[i])
		}
		if got, want := rootOf(t, l), leftFull(hashes, guts.FlagRoot); got != want {
			t.Errorf("%d pieces: root %v, want %v", n+1, got, want)
		}
	}
}

// TestListAgainstMap sets hashes at random beside a map and compares every
// answer. The list has three pages, the last one short.
func TestListAgainstMap(t *testing.T) {
	const pieces = 2*pageHashes + 70
	rapid.Check(t, func(t *rapid.T) {
		l, known := NewList(pieces*PieceBytes), map[int64]Hash{}
		piece := rapid.OneOf(
			rapid.Int64Range(0, pieces-1), rapid.Int64Range(0, 200),
			rapid.Int64Range(pageHashes-70, pageHashes+70), rapid.Int64Range(pieces-80, pieces-1),
		)
		for range rapid.IntRange(1, 12).Draw(t, "runs") {
			start := piece.Draw(t, "start")
			end := min(pieces, start+rapid.SampledFrom([]int64{1, 2, 64, 130, pageHashes}).Draw(t, "length"))
			mark := rapid.Byte().Draw(t, "mark")
			for i := start; i < end; i++ {
				known[i] = Hash{mark, byte(i)}
				l.Set(i, known[i])
			}
		}
		if l.Known() != int64(len(known)) {
			t.Fatalf("%d known, want %d", l.Known(), len(known))
		}
		next := int64(pieces)
		for i := int64(pieces - 1); i >= 0; i-- {
			want, ok := known[i]
			if h, got := l.Get(i); got != ok || h != want {
				t.Fatalf("piece %d: %v, %v, want %v, %v", i, h, got, want, ok)
			}
			if !ok {
				next = i
			}
			if n, some := l.NextUnknown(i); n != next || some != (next < pieces) {
				t.Fatalf("first unknown from %d: %d, %v, want %d", i, n, some, next)
			}
		}
		if _, ok := l.NextUnknown(pieces); ok {
			t.Fatal("an unknown hash behind the last")
		}
	})
}

func TestUnset(t *testing.T) {
	l := NewList(3*PieceBytes*pageHashes + 1)
	for i := range l.Len() {
		l.Set(i, Hash{byte(i)})
	}
	l.Unset(pageHashes + 7)
	l.Unset(5)
	l.Unset(5)
	if _, known := l.Get(5); known || l.Known() != l.Len()-2 {
		t.Errorf("%d of %d are known", l.Known(), l.Len())
	}
	for _, want := range [][2]int64{{0, 5}, {6, pageHashes + 7}} {
		if i, ok := l.NextUnknown(want[0]); !ok || i != want[1] {
			t.Errorf("first unknown from %d: %d, %v; want %d", want[0], i, ok, want[1])
		}
	}
	l.Set(5, Hash{5})
	l.Set(pageHashes+7, Hash{7})
	if _, ok := l.NextUnknown(0); ok || l.Known() != l.Len() {
		t.Errorf("%d of %d are known", l.Known(), l.Len())
	}
}

// TestSizeCostsNothing has a list for as many bytes as a stranger may claim.
func TestSizeCostsNothing(t *testing.T) {
	for _, size := range []int64{1 << 60, 1<<63 - 1} {
		var l *List
		if n := allocated(func() { l = NewList(size) }); n > 64<<10 { // what else the process does counts too
			t.Errorf("a list of %d bytes takes %d bytes", size, n)
		}
		last := l.Len() - 1
		if n := allocated(func() { l.Set(last, Hash{1}); l.Set(last/2, Hash{2}); l.Set(0, Hash{3}) }); n > 3*150<<10 {
			t.Errorf("three hashes far apart take %d bytes", n)
		}
		if h, ok := l.Get(last); !ok || h != (Hash{1}) {
			t.Errorf("the last hash is %v, %v", h, ok)
		}
		if _, ok := l.Root(); ok {
			t.Error("three hashes make a root")
		}
		if i, ok := l.NextUnknown(0); i != 1 || !ok {
			t.Errorf("first unknown %d, %v", i, ok)
		}
		if _, ok := l.NextUnknown(last); ok {
			t.Error("unknown behind the last")
		}
	}
}

// Most files are small: their lists are, too.
func TestSmallListIsSmall(t *testing.T) {
	least := uint64(math.MaxUint64)
	for range 5 { // beside it the runtime may allocate something
		least = min(least, allocated(func() { NewList(100).Set(0, Hash{1}) }))
	}
	if least > 2<<10 {
		t.Errorf("a list of one piece takes %d bytes", least)
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestNoSuchHash(t *testing.T) {
	l := NewList(3 * PieceBytes)
	for name, call := range map[string]func(){
		"Set below":     func() { l.Set(-1, Hash{}) },
		"Set above":     func() { l.Set(3, Hash{}) },
		"Get below":     func() { l.Get(-1) },
		"Get above":     func() { l.Get(3) },
		"negative size": func() { NewList(-1) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "BUG: ") {
					t.Errorf("%s: panic %q", name, text)
				}
			}()
			call()
		}()
	}
}

// BenchmarkFill fills a list of 64 GiB in order, asking for the next before
// each.
func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		l := NewList(64 << 30)
		for i, ok := l.NextUnknown(0); ok; i, ok = l.NextUnknown(0) {
			l.Set(i, Hash{1})
		}
	}
}

func BenchmarkRoot(b *testing.B) {
	l := NewList(64 << 30)
	for i := range l.Len() {
		l.Set(i, Hash{1})
	}
	for b.Loop() {
		l.Root()
	}
}
