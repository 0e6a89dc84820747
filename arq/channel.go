package arq

import (
	"math/bits"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// channel is the sending side of one stop-and-wait process. Each segment of its burst
// is acknowledged, lost, withheld, or in flight.
type channel struct {
	busy    bool // a burst is outstanding
	burst   proto.Burst
	request proto.ID
	data    rangeset.Range     // the bytes of the burst
	first   proto.PacketNumber // of the burst, once it is begun
	segment int                // bytes of each segment; the last may be shorter
	count   int

	acked, lost uint64
	withheld    uint64   // not sent yet, on purpose
	resent      uint64   // sent more than once
	queued      bool     // in the queue of repairs
	begun       bool     // the burst has been sent
	flights     []uint64 // transmissions of this burst in the log, oldest first
}

// start gives the channel its next burst: as many segments of data as limit allows.
func (c *channel) start(request proto.ID, data rangeset.Range, segment, limit int) {
	c.count = int(min(int64(limit), (data.Len()+int64(segment)-1)/int64(segment)))
	data.End = min(data.End, data.Start+int64(c.count)*int64(segment))
	c.busy = true
	c.burst, c.begun = c.burst.Next(), false
	c.request, c.data, c.segment = request, data, segment
	c.acked, c.lost, c.withheld, c.resent, c.flights = 0, 0, 0, 0, c.flights[:0]
}

// span returns where n segments from segment i on lie.
func (c *channel) span(i, n int) rangeset.Range { return spanOf(c.data, c.segment, i, n) }

func spanOf(data rangeset.Range, segment, i, n int) rangeset.Range {
	start := data.Start + int64(i)*int64(segment)
	return rangeset.Range{Start: start, End: min(start+int64(n)*int64(segment), data.End)}
}

// all returns the mask of all segments of the burst.
func (c *channel) all() uint64 { return allOf(c.count) }

func allOf(count int) uint64 { return ^uint64(0) >> (proto.MaxBurst - count) }

// bytes returns the payload of the segments in mask.
func (c *channel) bytes(mask uint64) int {
	n := bits.OnesCount64(mask) * c.segment
	if mask>>(c.count-1)&1 == 1 {
		n -= c.count*c.segment - int(c.data.Len())
	}
	return n
}

// lowest returns the n lowest bits of mask, or all of it if it has fewer.
func lowest(mask uint64, n int) uint64 {
	for rest := mask; ; n-- {
		if n == 0 {
			return mask &^ rest
		}
		if rest == 0 {
			return mask
		}
		rest &= rest - 1
	}
}
