package peer

import (
	"sync"

	"chunkcp/internal/udp"
	"chunkcp/proto"
)

const (
	// baseDatagram is the UDP payload that every path is taken to carry: what an
	// IPv6 packet of 1,280 bytes has, the least that a link must carry (RFC 8200,
	// section 5).
	baseDatagram = 1232

	// maxBurstBytes is the most that a burst has of datagrams: the largest UDP
	// payload over IPv6, which is what one offloaded write takes.
	maxBurstBytes = 65487

	// maxBurstBuffers bounds the bursts that are built at once: 4 MiB. Sessions wait
	// for each other at the socket anyway (arbitrary: many times a host's cores).
	maxBurstBuffers = 64
)

// burstBuffer is the space to build one burst in.
type burstBuffer struct {
	out   []byte                 // as it goes to the kernel
	parts [proto.MaxBurst][]byte // where in out the payload of each segment goes
}

// frameBuffer is the space for one datagram of the base length.
type frameBuffer [baseDatagram]byte

// burstBuffers lends the space to build datagrams in. A session needs it only while
// it sends, so that ten thousand idle ones hold none.
type burstBuffers struct {
	bursts, frames sync.Pool
	places         chan struct{} // one taken for each burst buffer that is lent
}

func newBurstBuffers() *burstBuffers {
	return &burstBuffers{
		bursts: sync.Pool{New: func() any {
			return &burstBuffer{out: make([]byte, 0, udp.MaxRead)}
		}},
		frames: sync.Pool{New: func() any { return new(frameBuffer) }},
		places: make(chan struct{}, maxBurstBuffers),
	}
}

// get waits for a burst buffer. Who has one asks for no other before it is put back.
func (b *burstBuffers) get() *burstBuffer {
	b.places <- struct{}{}
	return b.bursts.Get().(*burstBuffer)
}

func (b *burstBuffers) put(p *burstBuffer) {
	b.bursts.Put(p)
	<-b.places
}

func (b *burstBuffers) getFrame() *frameBuffer  { return b.frames.Get().(*frameBuffer) }
func (b *burstBuffers) putFrame(p *frameBuffer) { b.frames.Put(p) }
