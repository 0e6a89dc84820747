package secure

const (
	wordBits = 64

	// windowLen is how far below the highest packet number an unseen one is
	// still taken. Arbitrary: 0.3 s of 1,200-byte datagrams at 1 Gbit/s, well
	// over the reordering of any path.
	windowLen = 32768

	// One word more than the window fills, since the word that holds its top
	// has no room for all of its bottom (RFC 6479 section 2).
	windowWords = windowLen/wordBits + 1

	// A window has fewWords until there are numbers that those do not hold: of ten
	// thousand sessions most may say little.
	fewWords = 8
)

// replayWindow remembers which packet numbers have been seen, as a ring of
// bits that moves up a word at a time (RFC 6479). The zero window has seen none.
type replayWindow struct {
	few  [fewWords]uint64 // all words, while none of many has been needed
	many *[windowWords]uint64
	top  uint64 // highest packet number marked
}

// word returns the word of pn.
func (w *replayWindow) word(pn uint64) *uint64 {
	if w.many != nil {
		return &w.many[pn/wordBits%windowWords]
	}
	return &w.few[pn/wordBits%fewWords]
}

// grow makes room for pn, if it is the first that few has none for.
func (w *replayWindow) grow(pn uint64) {
	if w.many == nil && pn >= fewWords*wordBits {
		w.many = new([windowWords]uint64)
		copy(w.many[:], w.few[:])
	}
}

// fresh reports whether pn was not marked yet and is not too old to tell.
func (w *replayWindow) fresh(pn uint64) bool {
	if pn > w.top {
		return true
	}
	if w.top-pn >= windowLen {
		return false
	}
	return *w.word(pn)&(1<<(pn%wordBits)) == 0
}

// mark remembers pn, which must be fresh.
func (w *replayWindow) mark(pn uint64) {
	w.grow(pn)
	if pn > w.top {
		word, last := w.top/wordBits, pn/wordBits
		if last-word > windowWords {
			word = last - windowWords // the rest would be cleared twice
		}
		for word < last {
			word++
			*w.word(word * wordBits) = 0
		}
		w.top = pn
	}
	*w.word(pn) |= 1 << (pn % wordBits)
}
