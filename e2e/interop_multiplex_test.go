package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chunkcp/e2e/relay"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// What a server lets a session have at once (docs/security.md).
const (
	serverFiles    = 16
	serverRequests = 256
)

// multiplex fetches many files in one session, as many at once as it is told.
type multiplex struct {
	*plainSession
	names  []string
	size   int
	at     int              // files at once
	next   int              // the file to open next
	lastID proto.ID         // in use
	file   map[proto.ID]int // by the id of its Open
	get    map[proto.ID]proto.ID
	parts  [][]byte
	had    []int // bytes of each file
	done   int
	most   int // files that were open at once
	failed []*proto.Failed
}

func newMultiplex(s *plainSession, names []string, size, at int) *multiplex {
	m := &multiplex{
		plainSession: s, names: names, size: size, at: at, file: map[proto.ID]int{}, get: map[proto.ID]proto.ID{},
		parts: make([][]byte, len(names)), had: make([]int, len(names)),
	}
	for i := range m.parts {
		m.parts[i] = make([]byte, size)
	}
	s.place, s.message = m.take, m.hear
	return m
}

// open asks for further files, each in one go: to open it, and for its bytes.
func (m *multiplex) open() error {
	for m.next < len(m.names) && len(m.file) < m.at {
		open, get := m.lastID+1, m.lastID+2
		m.lastID = get
		m.file[open], m.get[get] = m.next, open
		err := m.tell(&proto.Open{ID: open, Name: m.names[m.next]},
			&proto.Get{ID: get, File: open, Range: rangeset.Range{End: int64(m.size)}})
		if err != nil {
			return err
		}
		m.next++
	}
	m.most = max(m.most, len(m.file))
	return nil
}

// take takes bytes of a file. One that is whole is closed, and makes room for another.
func (m *multiplex) take(seg *proto.Segment) {
	open := m.get[seg.Request]
	i, ok := m.file[open]
	if !ok || seg.Offset+int64(len(seg.Payload)) > int64(m.size) {
		m.failed = append(m.failed, &proto.Failed{ID: seg.Request, Reason: "bytes that nobody asked for"})
		return
	}
	m.had[i] += copy(m.parts[i][seg.Offset:], seg.Payload)
	if m.had[i] < m.size {
		return
	}
	m.done++
	delete(m.file, open)
	delete(m.get, seg.Request)
	if err := m.tell(&proto.Cancel{ID: open}); err != nil {
		m.failed = append(m.failed, &proto.Failed{ID: open, Reason: err.Error()})
	}
}

func (m *multiplex) hear(message proto.Message) error {
	switch message := message.(type) {
	case *proto.Opened:
		if message.Size != int64(m.size) {
			return fmt.Errorf("a file of %d bytes, want %d", message.Size, m.size)
		}
	case *proto.Failed:
		m.failed = append(m.failed, message)
	}
	return nil
}

// TestInteropMultiplexing: 1,999 files of 32 bytes in one session of the real server,
// and never more open at once than it allows.
func TestInteropMultiplexing(t *testing.T) {
	long(t)
	const files, size = 1999, 32
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	var names []string
	var want []byte
	content := &pattern{}
	for n := range files {
		b := make([]byte, size)
		_, err := content.Read(b)
		i.check(err)
		names = append(names, fmt.Sprintf("file%04d", n))
		i.check(os.WriteFile(filepath.Join(i.root(), names[n]), b, 0o644))
		want = append(want, b...)
	}
	began := time.Now()
	s, err := openSession(i.relay.Addr(), 1<<20)
	i.check(err)
	defer s.close()
	m := newMultiplex(s, names, size, serverFiles)
	i.check(m.open())
	i.check(s.run(func() bool {
		if err := m.open(); err != nil {
			t.Fatal(err)
		}
		return m.done == files || len(m.failed) > 0
	}))
	took := time.Since(began)
	if len(m.failed) > 0 {
		t.Fatalf("after %d files: %+v", m.done, *m.failed[0])
	}
	if !bytes.Equal(bytes.Join(m.parts, nil), want) {
		t.Error("the files are not what they were")
	}
	if m.most != serverFiles {
		t.Errorf("%d files were open at once, want %d: more were never tried", m.most, serverFiles)
	}
	i.once()
	t.Logf("%d files of %d bytes in %.2f s, %.1f of a round trip for each %d; one session, %d files open at most, none refused",
		files, size, took.Seconds(), took.Seconds()/0.030/files*serverFiles, serverFiles, m.most)
}

// TestInteropMultiplexingBounds: a session that goes beyond what a server allows is
// told so for what is beyond, and gets the rest.
func TestInteropMultiplexingBounds(t *testing.T) {
	t.Parallel()
	const size, beyond = 32, 44
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	var names []string
	for n := range serverFiles + 3 {
		names = append(names, fmt.Sprintf("file%d", n))
		i.file(names[n], size)
	}
	i.file("many", (serverRequests+beyond)*size)

	s, err := openSession(i.relay.Addr(), 1<<20)
	i.check(err)
	defer s.close()
	m := newMultiplex(s, names, size+1, len(names)) // more than they have: none is closed
	opened := 0
	s.message = func(message proto.Message) error {
		switch message := message.(type) {
		case *proto.Opened:
			opened++
		case *proto.Failed:
			m.failed = append(m.failed, message)
		}
		return nil
	}
	i.check(m.open())
	// Of those that are not open their Gets are refused too.
	i.check(s.run(func() bool { return opened+len(m.failed) >= serverFiles+2*3 }))
	busy := 0
	for _, f := range m.failed {
		if f.Code == proto.FailBusy {
			busy++
		}
	}
	if opened != serverFiles || busy != 3 {
		t.Errorf("of %d files %d were opened, and %d refused as too many", len(names), opened, busy)
	}

	// Without credit, and with nothing acknowledged, requests stay under way.
	held, err := openSession(i.relay.Addr(), 0)
	i.check(err)
	defer held.close()
	got, refused := make([]byte, (serverRequests+beyond)*size), map[proto.ID]bool{}
	had := 0
	held.place = func(seg *proto.Segment) { had += copy(got[seg.Offset:], seg.Payload) }
	held.message = func(message proto.Message) error {
		if f, ok := message.(*proto.Failed); ok {
			if f.Code != proto.FailBusy {
				return fmt.Errorf("request %d failed: %d %q", f.ID, f.Code, f.Reason)
			}
			refused[f.ID] = true
		}
		return nil
	}
	i.check(held.tell(&proto.Open{ID: 1, Name: "many"}))
	for n := range serverRequests + beyond {
		r := rangeset.Range{Start: int64(n * size), End: int64((n + 1) * size)}
		i.check(held.tell(&proto.Get{ID: proto.ID(2 + n), File: 1, Range: r}))
	}
	i.check(held.run(func() bool { return len(refused) >= beyond }))
	held.credit = 1 << 20
	i.check(held.acknowledge(time.Now()))
	i.check(held.run(func() bool { return had >= serverRequests*size }))
	want := make([]byte, len(got))
	_, err = (&pattern{}).Read(want)
	i.check(err)
	if n := serverRequests * size; len(refused) != beyond || !bytes.Equal(got[:n], want[:n]) {
		t.Errorf("%d requests were refused, want the last %d, and the others served", len(refused), beyond)
	}
	for id := range refused {
		if id < 2+serverRequests {
			t.Errorf("request %d was refused, and later ones were not", id)
		}
	}
	t.Logf("of %d files %d opened; of %d requests at once %d refused, and the others served",
		len(names), opened, serverRequests+beyond, len(refused))
}
