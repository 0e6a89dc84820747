package peer

import (
	"bytes"
	"errors"
	"runtime"
	"time"

	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	// helloQueue and finishQueue bound the handshake messages that wait for a
	// worker: a fetch with the most sessions, twice, and what it takes to read
	// them, some 50 to 250 ms. Beyond it they are dropped, and come again.
	helloQueue  = 512
	finishQueue = 512

	// finishRun is how many Finishes are read in a row while a Hello waits: they come
	// first, as they make sessions, but strangers may send more of them than can be
	// read (arbitrary).
	finishRun = 4
)

// handshakeJob is a handshake message that waits for a worker.
type handshakeJob struct {
	now    time.Time // when it came
	conn   udp.Conn
	p      *halfOpen
	noise  []byte
	finish bool // else it is a Hello
}

// start starts the workers: half of the cores, so that strangers leave the other
// half to those who are served.
func (a *admission) start() {
	for range max(1, runtime.GOMAXPROCS(0)/2) {
		a.workers.Go(a.work)
	}
}

// stop ends the workers and waits for them. What waits in the queues is forgotten.
func (a *admission) stop() {
	close(a.quit)
	a.workers.Wait()
}

// queue hands a copy of a message to the workers, unless they do not keep up.
func (a *admission) queue(to chan handshakeJob, j handshakeJob) bool {
	if len(to) == cap(to) { // exact: all that send hold a.mu
		a.counts.dropped.Add(1)
		return false
	}
	j.noise = bytes.Clone(j.noise) // the reader's buffer is used again
	to <- j
	return true
}

// work reads handshake messages.
func (a *admission) work() {
	inARow := 0 // Finishes
	for {
		j, more := a.next(inARow)
		switch {
		case !more:
			return
		case j.finish:
			inARow++
			a.crashes.contain("finish", func() { a.readFinish(j) })
		default:
			inARow = 0
			a.crashes.contain("hello", func() { a.readHello(j) })
		}
	}
}

// next waits for a message to read, after so many Finishes in a row. It returns
// false when there is nothing to do any more.
func (a *admission) next(inARow int) (j handshakeJob, more bool) {
	first := a.finishes
	if inARow >= finishRun {
		first = a.hellos
	}
	select {
	case j = <-first:
		return j, true
	default:
	}
	select {
	case j = <-a.finishes:
	case j = <-a.hellos:
	case <-a.quit:
		return j, false
	}
	return j, true
}

// open reads message 1 of a handshake, nil if it is none.
func (a *admission) open(id proto.HelloID, psk *secure.PSK, msg []byte) *secure.Handshake {
	h := proto.Hello{Version: proto.Version, ID: id}
	hs, err := secure.NewResponder(secure.HandshakeConfig{Identity: a.identity, Prologue: h.Prologue(), PSK: psk.Bytes()})
	if err != nil {
		return nil
	}
	if _, err := hs.ReadMessage(nil, msg); err != nil {
		return nil
	}
	return hs
}

// readHello computes the answer to a Hello and sends it.
func (a *admission) readHello(j handshakeJob) {
	p, hs := j.p, j.p.handshake
	if a.evicted(p) {
		return
	}
	if hs == nil {
		hs = a.open(p.hello, p.psk, j.noise)
	}
	reply := welcomed(hs, p)
	a.mu.Lock()
	if reply == nil {
		a.table.remove(p)
	}
	gone := p.gone
	if !gone {
		a.table.answer(p, time.Now(), hs, reply)
	}
	a.mu.Unlock()
	if !gone {
		_ = j.conn.Write(reply, len(reply), p.addr)
	}
}

// evicted reports whether p had to make room while it waited.
func (a *admission) evicted(p *halfOpen) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return p.gone
}

// welcomed returns a HelloReply, nil if the client's key is none.
func welcomed(hs *secure.Handshake, p *halfOpen) []byte {
	if hs == nil {
		return nil
	}
	w := proto.Welcome{Session: p.session, Credit: serverCredit, MaxDatagram: maxClientDatagram}
	msg, err := hs.WriteMessage(nil, w.Append(nil))
	if err != nil {
		return nil
	}
	r := proto.HelloReply{Version: proto.Version, ID: p.hello, Noise: msg}
	return r.Append(nil)
}

// readFinish completes a handshake. A message that is not authentic changes
// nothing: the genuine one may still come, unless a few have been made by the client
// itself, as it seems, to keep the workers busy. The handshake is in the table until its
// session has begun, so that what comes meanwhile is held. One that began with another
// pre-shared key than there is now comes to nothing.
func (a *admission) readFinish(j handshakeJob) {
	payload, err := j.p.handshake.ReadMessage(nil, j.noise)
	if err == nil && j.p.psk.Equal(a.psk.Load()) {
		a.begin(j.now, j.conn, j.p, payload)
	}
	a.mu.Lock()
	ahead := j.p.ahead
	j.p.ahead = nil
	a.table.finish(j.p, false)
	switch {
	case err == nil:
		a.table.remove(j.p)
	case errors.Is(err, secure.ErrSpoiled):
		if j.p.spoiled++; j.p.spoiled == maxSpoiled {
			a.counts.spoiled.Add(1)
			a.table.remove(j.p)
		}
	}
	a.mu.Unlock()
	if err == nil && ahead != nil {
		a.arrived(j.p.session, j.p.addr, ahead)
	}
}
