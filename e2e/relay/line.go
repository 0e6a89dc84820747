package relay

import (
	"container/heap"
	"sync"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// maxUnderWay bounds the bytes of a line's datagrams under way: 2 Gbit/s for a
// second. What comes beyond is dropped.
const maxUnderWay = 256 << 20

// line is one direction: datagrams wait on it until they are due. Whoever
// finds some due sends them: a reader, or run, which is there for the times
// when nothing is read.
type line struct {
	wake chan struct{} // tells run that a parcel is due before armed; holds one

	mu       sync.Mutex // guards all below, and outlets' sockets; held while sending
	link     netsim.Link
	numbered bool // some are lost by their number
	impairer *netsim.Impairer
	cut      bool
	cutUntil time.Time // zero: until told
	underWay parcels
	bytes    int             // of underWay
	order    uint64          // of the last parcel
	armed    time.Time       // when run looks again; zero: not unless woken
	own      netsim.Counters // what the impairer does not see
	batch    batch
}

func newLine(l netsim.Link, lose []uint64, seed uint64) *line {
	im := netsim.NewImpairer(l, seed)
	im.Lose(lose...)
	return &line{wake: make(chan struct{}, 1), link: l, numbered: len(lose) > 0, impairer: im}
}

func (l *line) setLink(link netsim.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.impairer.SetLink(link)
	l.link = link
}

func (l *line) setCut(cut bool, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut, l.cutUntil = cut, until
}

// setConn changes the socket that to sends by.
func (l *line) setConn(to *outlet, conn udp.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to.conn = conn
}

func (l *line) count() netsim.Counters {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.impairer.Counters()
	c.Sent += l.own.Sent
	c.SentBytes += l.own.SentBytes
	c.Delivered, c.DeliveredBytes = l.own.Delivered, l.own.DeliveredBytes
	c.Cut, c.Unreachable, c.BufferDropped = l.own.Cut, l.own.Unreachable, l.own.BufferDropped
	return c
}

// refuse counts datagrams that have nowhere to go.
func (l *line) refuse(msgs []udp.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range msgs {
		l.own.Unreachable += l.sent(m)
	}
}

// forward sends msgs to an outlet, now or when the link lets them arrive.
func (l *line) forward(to *outlet, msgs []udp.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, m := range msgs {
		if m.N == 0 { // udp.Conn cannot send it
			continue
		}
		to.watch.run(false, m.Buf[:m.N], m.Segment)
		switch {
		case l.isCut(now):
			l.own.Cut += l.sent(m)
		case !l.numbered && l.link == netsim.Link{}:
			l.sent(m)
			l.send(to, m.Buf[:m.N], m.Segment)
		default:
			l.admit(now, to, m)
		}
	}
	if due, ok := l.advance(now); ok && (l.armed.IsZero() || due.Before(l.armed)) {
		l.armed = due // or each read until run has its turn would wake it
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// sent counts what does not pass the impairer, and returns its datagrams.
func (l *line) sent(m udp.Message) uint64 {
	n := datagrams(m.N, m.Segment)
	l.own.Sent += n
	l.own.SentBytes += uint64(m.N)
	return n
}

// admit asks the impairer for the fate of each datagram of m.
func (l *line) admit(now time.Time, to *outlet, m udp.Message) {
	for start := 0; start < m.N; start += m.Segment {
		for _, d := range l.impairer.Admit(now, m.Buf[start:min(start+m.Segment, m.N)]) {
			if l.bytes+len(d.Datagram) > maxUnderWay {
				l.own.BufferDropped++
				continue
			}
			l.order++
			l.bytes += len(d.Datagram)
			heap.Push(&l.underWay, &parcel{d.Due, l.order, to, d.Datagram})
		}
	}
}

// advance sends what is due by now and returns when the rest is, if any.
func (l *line) advance(now time.Time) (due time.Time, ok bool) {
	for len(l.underWay) > 0 && !l.underWay[0].due.After(now) {
		p := heap.Pop(&l.underWay).(*parcel)
		l.bytes -= len(p.payload)
		if l.isCut(now) {
			l.own.Cut++
			continue
		}
		l.send(p.to, p.payload, len(p.payload))
	}
	l.flush()
	if len(l.underWay) == 0 {
		return time.Time{}, false
	}
	return l.underWay[0].due, true
}

// isCut reports whether the line is cut now, and forgets a cut that is over.
func (l *line) isCut(now time.Time) bool {
	if l.cut && !l.cutUntil.IsZero() && !now.Before(l.cutUntil) {
		l.cut = false
	}
	return l.cut
}

// send puts datagrams into the batch. A run that is long already, as UDP_GRO
// delivers, is not worth the copy.
func (l *line) send(to *outlet, buf []byte, segment int) {
	if len(buf) > maxBatch/2 {
		l.flush()
		l.write(to, buf, segment)
		return
	}
	if !l.batch.add(to, buf, segment) {
		l.flush()
		l.batch.add(to, buf, segment)
	}
}

func (l *line) flush() {
	if b := &l.batch; b.n > 0 {
		l.write(b.to, b.buf[:b.n], b.segment)
		b.reset()
	}
}

func (l *line) write(to *outlet, buf []byte, segment int) {
	to.watch.run(true, buf, segment) // before, so that no answer is seen earlier
	if err := to.conn.Write(buf, segment, to.addr); err != nil {
		// The port at the other end is closed, say. To the sender that is loss.
		l.own.Unreachable += datagrams(len(buf), segment)
		return
	}
	l.own.Delivered += datagrams(len(buf), segment)
	l.own.DeliveredBytes += uint64(len(buf))
}

// run sends what is due until stop is closed.
func (l *line) run(stop <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-l.wake:
		case <-timer.C:
		}
		if wait, ok := l.sendDue(); ok {
			timer.Reset(wait)
		}
	}
}

// sendDue sends what is due and returns how long the rest has to wait.
func (l *line) sendDue() (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	due, ok := l.advance(now)
	l.armed = due
	return due.Sub(now), ok
}
