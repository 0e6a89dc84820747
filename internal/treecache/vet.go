package treecache

import (
	"bytes"
	"fmt"
	"io"
)

// vet checks a file before bbolt maps it: that from its meta page on every page
// is what it must be, lies in the file, and has one place in the tree or in the
// list of free pages; and that keys are in order. It is as strict as bbolt's own
// Tx.Check but reads the file, so that no damage can make it fault, recurse without end
// or allocate more than a page for each level. An empty file passes.
//
// That a value holds what was stored it does not check: see value.go.
func vet(file io.ReaderAt, size int64) error {
	if size == 0 {
		return nil
	}
	m, err := readMeta(file)
	if err != nil {
		return err
	}
	if m.pages < 4 || m.pages > uint64(size)/pageBytes {
		return fmt.Errorf("%d pages in %d bytes", m.pages, size)
	}
	v := vetting{file: file, pages: m.pages, seen: make([]uint64, m.pages/64+1)}
	if err := v.tree(m.root, span{}, bucketFlag, 0); err != nil {
		return err
	}
	if err := v.freelist(m.freelist); err != nil {
		return err
	}
	for id := uint64(2); id < v.pages; id++ {
		if !v.has(id) {
			return fmt.Errorf("page %d is in no tree and not free", id)
		}
	}
	return nil
}

// vetting is one call of vet.
type vetting struct {
	file  io.ReaderAt
	pages uint64   // how many there are
	seen  []uint64 // a bit for each that has its place

	buffers [maxDepth + 1][]byte // what was read last, for each level
}

// maxDepth is how many pages may lie above one another: with 40 keys or more in
// a page that is filled by half, three hold all lists, and as many the buckets.
// Arbitrary beyond that.
const maxDepth = 20

// span is the keys from first, which is one of them, to end, which is not; nil
// for no bound.
type span struct{ first, end []byte }

func (v *vetting) has(id uint64) bool { return v.seen[id/64]>>(id%64)&1 == 1 }

// claim gives pages their place, which nobody may have given them before.
func (v *vetting) claim(id, count uint64) error {
	if id < 2 || id >= v.pages || count > v.pages-id {
		return fmt.Errorf("pages %d and %d more of %d", id, count-1, v.pages)
	}
	for ; count > 0; id, count = id+1, count-1 {
		if v.has(id) {
			return fmt.Errorf("page %d has two places", id)
		}
		v.seen[id/64] |= 1 << (id % 64)
	}
	return nil
}

// page reads the beginning of a page, and claims it with what belongs to it.
func (v *vetting) page(id uint64, depth int) (*page, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("page %d is below %d others", id, depth)
	}
	if id < 2 || id >= v.pages {
		return nil, fmt.Errorf("page %d of %d", id, v.pages)
	}
	p, err := readPage(v.file, int64(id)*pageBytes, v.buffer(depth))
	if err != nil {
		return nil, err
	}
	if p.id != id {
		return nil, fmt.Errorf("page %d says that it is %d", id, p.id)
	}
	p.extent = (1 + uint64(p.overflow)) * pageBytes
	return p, v.claim(id, 1+uint64(p.overflow))
}

func (v *vetting) buffer(depth int) []byte {
	if v.buffers[depth] == nil {
		v.buffers[depth] = make([]byte, pageBytes)
	}
	return v.buffers[depth]
}

// tree checks a page and all below it. flags are those that the elements of its
// leaves must have: bucketFlag in the tree of the root, none in those of the
// buckets.
func (v *vetting) tree(id uint64, keys span, flags uint32, depth int) error {
	p, err := v.page(id, depth)
	if err != nil {
		return err
	}
	return v.node(p, keys, flags, depth)
}

func (v *vetting) node(p *page, keys span, flags uint32, depth int) error {
	if err := p.checkElements(keys); err != nil {
		return err
	}
	for i := range p.count {
		e := p.element(i)
		var err error
		switch {
		case p.kind == branchPage:
			below := span{bytes.Clone(p.key(e)), keys.end}
			if i+1 < p.count {
				below.end = bytes.Clone(p.key(p.element(i + 1)))
			}
			err = v.tree(e.page, below, flags, depth+1)
		case e.flags != flags:
			err = fmt.Errorf("page %d: element %d has flags %#x", p.id, i, e.flags)
		case flags == bucketFlag:
			err = v.bucket(p, e, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket checks the bucket that is the value of e: the page its tree begins at
// or, if it is small, one page in place.
func (v *vetting) bucket(p *page, e element, depth int) error {
	if e.valueBytes < bucketBytes || depth > maxDepth {
		return fmt.Errorf("page %d: a bucket of %d bytes at level %d", p.id, e.valueBytes, depth)
	}
	at := p.offset + int64(e.valueAt())
	var head [8]byte
	if _, err := v.file.ReadAt(head[:], at); err != nil {
		return err
	}
	if root := native.Uint64(head[:]); root != 0 {
		return v.tree(root, span{}, 0, depth)
	}
	if e.valueBytes < bucketBytes+pageHeader {
		return fmt.Errorf("page %d: a bucket of %d bytes without a page", p.id, e.valueBytes)
	}
	inline, err := readPage(v.file, at+bucketBytes, v.buffer(depth))
	if err != nil {
		return err
	}
	inline.extent = uint64(e.valueBytes) - bucketBytes
	if inline.kind != leafPage || inline.id != 0 || inline.overflow != 0 {
		return fmt.Errorf("page %d: the page of a small bucket is no leaf", p.id)
	}
	return v.node(inline, span{}, 0, depth)
}

// freelist checks the page of free pages, all of which have no other place.
func (v *vetting) freelist(id uint64) error {
	p, err := v.page(id, 0)
	if err != nil {
		return err
	}
	if p.kind != freelistPage {
		return fmt.Errorf("page %d, of free pages, is of kind %d", id, p.kind)
	}
	ids := io.Reader(io.NewSectionReader(v.file, p.offset+pageHeader, int64(p.extent)-pageHeader))
	count := uint64(p.count)
	var one [8]byte
	if count == 0xffff { // then the first of the list is their number
		if _, err := io.ReadFull(ids, one[:]); err != nil {
			return err
		}
		count = native.Uint64(one[:])
	}
	for range count {
		if _, err := io.ReadFull(ids, one[:]); err != nil {
			return err
		}
		if err := v.claim(native.Uint64(one[:]), 1); err != nil {
			return err
		}
	}
	return nil
}
