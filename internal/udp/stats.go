package udp

import "sync/atomic"

// counters is Stats as the reader and the writers keep it.
type counters struct {
	readCalls, readDatagrams, readBytes    atomic.Uint64
	writeCalls, writeDatagrams, writeBytes atomic.Uint64
	unsent, dropped                        atomic.Uint64
	segmentOffload, receiveOffload         atomic.Bool
}

// Stats implements Conn. The counts are read one after the other, so they may
// differ by a call that was under way.
func (c *counters) Stats() Stats {
	return Stats{
		ReadCalls:      c.readCalls.Load(),
		ReadDatagrams:  c.readDatagrams.Load(),
		ReadBytes:      c.readBytes.Load(),
		WriteCalls:     c.writeCalls.Load(),
		WriteDatagrams: c.writeDatagrams.Load(),
		WriteBytes:     c.writeBytes.Load(),
		Unsent:         c.unsent.Load(),
		Dropped:        c.dropped.Load(),
		SegmentOffload: c.segmentOffload.Load(),
		ReceiveOffload: c.receiveOffload.Load(),
	}
}

// read counts one call that filled msgs.
func (c *counters) read(msgs []Message) {
	var datagrams, bytes int
	for i := range msgs {
		datagrams += max(1, datagramsIn(msgs[i].N, msgs[i].Segment))
		bytes += msgs[i].N
	}
	c.readCalls.Add(1)
	c.readDatagrams.Add(uint64(datagrams))
	c.readBytes.Add(uint64(bytes))
}

// wrote counts one call that sent n bytes as datagrams of segment bytes.
func (c *counters) wrote(n, segment int) {
	c.writeCalls.Add(1)
	c.writeDatagrams.Add(uint64(datagramsIn(n, segment)))
	c.writeBytes.Add(uint64(n))
}

// datagramsIn returns how many datagrams of segment bytes n bytes make.
func datagramsIn(n, segment int) int {
	if n == 0 {
		return 0
	}
	return 1 + (n-1)/segment
}
