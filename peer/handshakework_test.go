package peer

import (
	"bytes"
	"net/netip"
	"testing"

	"chunkcp/proto"
)

// turn has the workers read one message, which they choose, and reports which kind.
func (d *door) turn(inARow int) (finish bool) {
	j, _ := d.next(inARow)
	if j.finish {
		d.readFinish(j)
	} else {
		d.readHello(j)
	}
	return j.finish
}

// spoiledFinish returns a Finish of a handshake of its own, which takes an exchange of
// keys to be found to be none.
func (d *door) spoiledFinish(t *testing.T, from netip.AddrPort) *proto.Finish {
	t.Helper()
	c := caller(t, nil)
	if b := d.knock(from, &c.hello); b != nil {
		c.hello.Cookie = cookieOf(t, b, &c.hello)
		d.knock(from, &c.hello)
	}
	f := finished(t, c, d.work(1)[0])
	f.Noise[len(f.Noise)-1] ^= 1
	return f
}

// TestAHandshakeIsSpoiledAFewTimes: a stranger has one handshake, and sends Finishes
// that cost the server an exchange of keys each and him nothing. That is soon over;
// what anybody could have made is not held against the handshake.
func TestAHandshakeIsSpoiledAFewTimes(t *testing.T) {
	d := newDoor(t, nil)
	f := d.spoiledFinish(t, v4(7))
	cheap := *f
	cheap.Noise = bytes.Clone(f.Noise)
	cheap.Noise[0] ^= 1
	for range 10 * maxSpoiled {
		d.finish(d.now, d.conn, v4(7), &cheap)
		d.work(1)
	}
	read := 0
	for range 10 * maxSpoiled {
		d.finish(d.now, d.conn, v4(7), f)
		read += len(d.finishes)
		d.work(1)
	}
	if read != maxSpoiled || d.table.order.Len() != 0 || d.counts.spoiled.Load() != 1 {
		t.Errorf("%d were read, want %d; %d half open, %d dropped", read, maxSpoiled, d.table.order.Len(), d.counts.spoiled.Load())
	}
}

// TestFinishesLeaveHellosTheirTurn: however many Finishes wait, and come while they
// are read, a Hello that waits is read after a few of them.
func TestFinishesLeaveHellosTheirTurn(t *testing.T) {
	d := newDoor(t, nil)
	var all []*proto.Finish
	for range 20 {
		all = append(all, d.spoiledFinish(t, v4(7)))
	}
	finish := func() {
		for _, f := range all {
			d.finish(d.now, d.conn, v4(7), f)
		}
	}
	finish()
	honest := caller(t, nil)
	d.knock(v4(100), &honest.hello)
	inARow := 0
	for d.turn(inARow) {
		inARow++
		finish()
		if inARow > 10*finishRun {
			t.Fatalf("%d Finishes were read before the Hello that waits, and %d wait", inARow, len(d.finishes))
		}
	}
	if inARow != finishRun || len(d.finishes) == 0 {
		t.Errorf("%d Finishes were read before the Hello, want %d; %d wait", inARow, finishRun, len(d.finishes))
	}
	if sent := d.conn.take(); len(sent) != 1 || honest.reply(sent[0]) == nil {
		t.Errorf("the Hello was answered with %d datagrams, or others", len(sent))
	}
	if !d.turn(0) {
		t.Error("a Finish is read first only while none has been")
	}
}

// TestAFinishQueueIsShared: one address has a Finish waiting for each of its
// handshakes. There is room for others.
func TestAFinishQueueIsShared(t *testing.T) {
	d := newDoor(t, nil)
	var all []*proto.Finish
	for range maxHalfOpenAddr {
		all = append(all, d.spoiledFinish(t, v4(7)))
	}
	other := d.spoiledFinish(t, v4(8))
	for _, f := range all {
		d.finish(d.now, d.conn, v4(7), f)
	}
	if n := len(d.finishes); n != finishQueue/2 || n < MaxSessions {
		t.Errorf("%d Finishes of one address wait, want %d", n, finishQueue/2)
	}
	before := len(d.finishes)
	if d.finish(d.now, d.conn, v4(8), other); len(d.finishes) != before+1 {
		t.Error("that of another address does not wait")
	}
	if d.counts.crowded.Load() == 0 {
		t.Error("nothing was refused")
	}
}
