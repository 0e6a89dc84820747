package peer

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"
	"time"

	"chunkcp/arq"
	"chunkcp/proto"
)

// Trace writes what the sessions of a server do, a JSON object a line, to draw
// it and to debug from.
type Trace struct {
	mu    sync.Mutex
	out   *bufio.Writer
	enc   *json.Encoder
	began time.Time
}

// NewTrace returns a Trace that writes to w.
func NewTrace(w io.Writer) *Trace {
	out := bufio.NewWriter(w)
	return &Trace{out: out, enc: json.NewEncoder(out), began: time.Now()}
}

// traceLine is one line. Times are seconds since the trace began.
type traceLine struct {
	Seconds         float64            `json:"t_seconds"`
	Session         uint64             `json:"session"`
	Kind            arq.EventKind      `json:"kind"`
	Number          proto.PacketNumber `json:"number"`
	Channel         proto.Channel      `json:"channel"`
	Burst           proto.Burst        `json:"burst"`
	Segments        int                `json:"segments"`
	Bytes           int                `json:"bytes"`
	RTT             float64            `json:"rtt_seconds"`
	SmoothedRTT     float64            `json:"smoothed_rtt_seconds"`
	MinRTT          float64            `json:"min_rtt_seconds"`
	InFlight        int                `json:"in_flight_bytes"`
	Window          int                `json:"window_bytes"`
	Credit          int                `json:"credit_bytes"`
	RateBytesPerSec float64            `json:"rate_bytes_per_sec"`
	Phase           string             `json:"phase"`
}

// session returns what arq.Config.Trace of one session calls. The sessions are
// numbered in the order in which they came.
func (t *Trace) session(id uint64) func(arq.Event) {
	return func(e arq.Event) {
		t.mu.Lock()
		defer t.mu.Unlock()
		_ = t.enc.Encode(traceLine{ // Flush tells of errors
			Seconds: e.At.Sub(t.began).Seconds(), Session: id, Kind: e.Kind,
			Number: e.Number, Channel: e.Channel, Burst: e.Burst, Segments: e.Segments, Bytes: e.Bytes,
			RTT: e.RTT.Seconds(), SmoothedRTT: e.SmoothedRTT.Seconds(), MinRTT: e.MinRTT.Seconds(),
			InFlight: e.InFlight, Window: e.Window, Credit: e.Credit,
			RateBytesPerSec: e.RateBytesPerSec, Phase: e.Phase,
		})
	}
}

// Flush writes what is buffered and reports whether all could be written.
func (t *Trace) Flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Flush()
}
