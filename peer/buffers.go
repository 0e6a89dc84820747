package peer

import (
	"net"
	"sync"

	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// errConnClosed is what a closed Conn fails with.
var errConnClosed = net.ErrClosed

const (
	// baseDatagram is the UDP payload that every path is taken to carry: what an
	// IPv6 packet of 1,280 bytes has, the least that a link must carry (RFC 8200,
	// section 5).
	baseDatagram = 1232

	// maxBurstBytes is the most that a burst has of datagrams: the largest UDP
	// payload over IPv6, which is what one offloaded write takes.
	maxBurstBytes = 65487
)

// burstBuffer is the space to build one burst in.
type burstBuffer struct {
	out   []byte                 // as it goes to the kernel
	parts [proto.MaxBurst][]byte // where in out the payload of each segment goes
}

// burstBuffers lends burst buffers. A session needs one only while it sends, so
// that ten thousand idle ones hold none.
type burstBuffers struct{ pool sync.Pool }

func newBurstBuffers() *burstBuffers {
	return &burstBuffers{sync.Pool{New: func() any {
		return &burstBuffer{out: make([]byte, 0, udp.MaxRead)}
	}}}
}

func (b *burstBuffers) get() *burstBuffer  { return b.pool.Get().(*burstBuffer) }
func (b *burstBuffers) put(p *burstBuffer) { b.pool.Put(p) }
