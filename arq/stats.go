package arq

import "time"

// Stats is where a Sender stands and what it has done. Counts only grow.
type Stats struct {
	Segments, Bytes uint64 // transmissions of segments and their payload, first and repeated
	Repeated        uint64 // of those segments: sent again
	Acked           uint64 // bytes of payload that the receiver has acknowledged
	Lost            uint64 // segments declared lost
	Probes          uint64 // probe timeouts
	Spurious        uint64 // segments repeated without need, as the receiver counts them

	SmoothedRTT, MinRTT time.Duration // MinRTT is 0 before the first sample
	InFlight, Window    int           // bytes
	RateBytesPerSec     float64       // pacing rate; 0 when not paced
	Channels            int           // busy now
}
