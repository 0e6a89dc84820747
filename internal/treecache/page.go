package treecache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The format of a bbolt database, version 2 (internal/common of bbolt 1.5.0), in
// the machine's byte order. Pages are of 4 KiB here wherever the machine has
// others, so that a file can be checked without first finding that out.
const (
	pageBytes = 4096

	pageHeader  = 16 // id 8, kind 2, count 2, overflow 4
	elementHead = 16 // of a branch: at 4, key bytes 4, page 8; of a leaf: flags, at, key bytes, value bytes
	bucketBytes = 16 // root page 8, sequence 8

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	bucketFlag = 0x01 // of an element of a leaf

	metaBytes   = 64 // behind the page's header; the last 8 are the checksum
	metaMagic   = 0xED0CDAED
	metaVersion = 2

	maxKey = 64 // longer than any key or bucket name of this cache
)

// native is the machine's byte order.
var native = binary.NativeEndian

// meta says where everything begins.
type meta struct{ root, freelist, pages, transaction uint64 }

// readMeta returns the newer of the two meta pages, or the one that is whole.
func readMeta(file io.ReaderAt) (meta, error) {
	var best meta
	found := false
	for id := range int64(2) {
		var b [metaBytes]byte
		if _, err := file.ReadAt(b[:], id*pageBytes+pageHeader); err != nil {
			return meta{}, err
		}
		sum := fnv.New64a()
		sum.Write(b[:metaBytes-8])
		if native.Uint32(b[0:]) != metaMagic || native.Uint32(b[4:]) != metaVersion || native.Uint64(b[56:]) != sum.Sum64() {
			continue
		}
		if size := native.Uint32(b[8:]); size != pageBytes {
			return meta{}, fmt.Errorf("pages of %d bytes", size)
		}
		m := meta{
			root: native.Uint64(b[16:]), freelist: native.Uint64(b[32:]),
			pages: native.Uint64(b[40:]), transaction: native.Uint64(b[48:]),
		}
		if !found || m.transaction > best.transaction {
			best, found = m, true
		}
	}
	if !found {
		return meta{}, errors.New("neither meta page is whole")
	}
	return best, nil
}

// page is the head of a page, or of one that lies in the value of a bucket.
type page struct {
	id       uint64
	kind     uint16
	count    uint16
	overflow uint32
	extent   uint64 // bytes that belong to it

	file   io.ReaderAt
	offset int64  // in the file
	head   []byte // its first bytes, pageBytes at most
}

// readPage reads the head of the page at offset into buffer. extent is not
// known yet.
func readPage(file io.ReaderAt, offset int64, buffer []byte) (*page, error) {
	n, err := file.ReadAt(buffer, offset)
	if n < pageHeader {
		return nil, err
	}
	b := buffer[:n]
	return &page{
		id: native.Uint64(b), kind: native.Uint16(b[8:]), count: native.Uint16(b[10:]), overflow: native.Uint32(b[12:]),
		file: file, offset: offset, head: b,
	}, nil
}

// element is one key of a page, with its value or with the page of all keys from it on.
type element struct {
	flags      uint32
	keyAt      uint64 // from the start of the page
	keyBytes   uint32
	valueBytes uint32
	page       uint64
}

func (e element) valueAt() uint64 { return e.keyAt + uint64(e.keyBytes) }

// element returns element i, whose head checkElements has found to be there.
func (p *page) element(i uint16) element {
	at := pageHeader + int(i)*elementHead
	b := p.head[at : at+elementHead]
	if p.kind == branchPage {
		return element{
			keyAt: uint64(at) + uint64(native.Uint32(b)), keyBytes: native.Uint32(b[4:]), page: native.Uint64(b[8:]),
		}
	}
	return element{
		flags: native.Uint32(b), keyAt: uint64(at) + uint64(native.Uint32(b[4:])),
		keyBytes: native.Uint32(b[8:]), valueBytes: native.Uint32(b[12:]),
	}
}

// key returns the key of an element; nil where it cannot be read. A key may lie
// behind a value of megabytes.
func (p *page) key(e element) []byte {
	if end := e.valueAt(); end <= uint64(len(p.head)) {
		return p.head[e.keyAt:end]
	}
	key := make([]byte, e.keyBytes)
	if _, err := p.file.ReadAt(key, p.offset+int64(e.keyAt)); err != nil {
		return nil
	}
	return key
}

// checkElements checks that the page is of a tree, that its elements lie in it,
// and that their keys ascend within keys. The first must be the one that the
// page above has: where they differ, bbolt puts the page there a second time.
func (p *page) checkElements(keys span) error {
	// Only a bucket that is empty has an empty page, and that is a leaf.
	whole := p.kind == leafPage && keys.first == nil
	if p.kind != branchPage && p.kind != leafPage || p.count == 0 && !whole {
		return fmt.Errorf("page %d is of kind %d and has %d elements", p.id, p.kind, p.count)
	}
	// bbolt splits a page with more than four keys until it fits: the heads are
	// always in the first one.
	heads := pageHeader + uint64(p.count)*elementHead
	if heads > min(p.extent, uint64(len(p.head))) {
		return fmt.Errorf("page %d: %d elements do not fit", p.id, p.count)
	}
	previous := []byte(nil)
	for i := range p.count {
		e := p.element(i)
		if e.keyBytes == 0 || e.keyBytes > maxKey || e.keyAt < heads || e.valueAt()+uint64(e.valueBytes) > p.extent {
			return fmt.Errorf("page %d: element %d lies elsewhere", p.id, i)
		}
		key := p.key(e)
		switch {
		case key == nil, i > 0 && bytes.Compare(previous, key) >= 0, keys.end != nil && bytes.Compare(key, keys.end) >= 0,
			i == 0 && keys.first != nil && !bytes.Equal(key, keys.first):
			return fmt.Errorf("page %d: key %d is not in order", p.id, i)
		}
		previous = key
	}
	return nil
}
