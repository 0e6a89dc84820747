package arq

import (
	"errors"
	"fmt"
	"time"

	"chunkcp/proto"
)

// MaxDataChannels is the number of channels that carry file bytes; channel 0
// carries the control stream.
const MaxDataChannels = proto.MaxChannels - 1

// Config is what a Sender needs to know. The zero value of a field takes its
// default.
type Config struct {
	// Channels is the most channels that carry file bytes, 1 to
	// MaxDataChannels; default MaxDataChannels.
	Channels int

	// Burst is the most segments in a burst, 1 to proto.MaxBurst. Default: as
	// many as the path sends in about a millisecond.
	Burst int

	// SegmentBytes is the payload of a segment. No default.
	SegmentBytes int

	// BurstBytes is the most that one burst holds of datagrams, each counted
	// with OverheadBytes; 0 for no bound. It is what the kernel takes in one call.
	BurstBytes, OverheadBytes int

	// InitialRTT is the round trip before the first sample; default 333 ms
	// (RFC 9002, section 6.2.2).
	InitialRTT time.Duration

	// PeerAckDelay is how long the peer may hold an acknowledgement back;
	// default MaxAckDelay.
	PeerAckDelay time.Duration

	// MaxProbeWait is the most that backoff makes a probe wait, if the probe timeout is
	// not longer; default 2 s. One segment every two seconds burdens no path, and a
	// path that comes back is found soon.
	MaxProbeWait time.Duration

	// CopyControl has a control burst of one segment sent a second time before it could
	// be acknowledged, in case the first is lost.
	CopyControl bool

	// Credit is how many bytes the peer takes in flight, until its first
	// acknowledgement says otherwise. No default: 0 waits for that.
	Credit int

	// Controller decides how much may be in flight; default NewModel.
	Controller Controller

	// Random returns bits that the peer cannot foresee, to catch one that
	// acknowledges what it has not received; nil: none is looked for.
	Random func() uint64

	// Memory is where the control stream's is from; nil: as much as it may take.
	Memory Memory

	// Records is where the memory for what is in flight is from; nil: as much as that
	// takes. Of less than LeastRecords nothing may be sent.
	Records Memory

	// Trace, if not nil, is called with every Event.
	Trace func(Event)
}

// Validate reports every field that is out of range.
func (c Config) Validate() error {
	var errs []error
	if c.Channels < 0 || c.Channels > MaxDataChannels {
		errs = append(errs, fmt.Errorf("channels %d: must be 1 to %d", c.Channels, MaxDataChannels))
	}
	if c.Burst < 0 || c.Burst > proto.MaxBurst {
		errs = append(errs, fmt.Errorf("burst %d: must be 1 to %d segments", c.Burst, proto.MaxBurst))
	}
	if c.SegmentBytes <= 0 {
		errs = append(errs, fmt.Errorf("segment of %d bytes: must be at least 1", c.SegmentBytes))
	}
	if c.InitialRTT < 0 || c.PeerAckDelay < 0 || c.MaxProbeWait < 0 || c.Credit < 0 || c.BurstBytes < 0 || c.OverheadBytes < 0 {
		errs = append(errs, errors.New("negative round trip, delay, credit or length"))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Channels == 0 {
		c.Channels = MaxDataChannels
	}
	if c.InitialRTT == 0 {
		c.InitialRTT = 333 * time.Millisecond
	}
	if c.PeerAckDelay == 0 {
		c.PeerAckDelay = MaxAckDelay
	}
	if c.MaxProbeWait == 0 {
		c.MaxProbeWait = 2 * time.Second
	}
	if c.Controller == nil {
		c.Controller = NewModel(c.SegmentBytes, c.InitialRTT, 1)
	}
	return c
}

// burstLimit returns the most segments of segment bytes that one burst takes.
func (c Config) burstLimit() int {
	n := proto.MaxBurst
	if c.Burst > 0 {
		n = c.Burst
	}
	if c.BurstBytes > 0 {
		n = min(n, c.BurstBytes/(c.SegmentBytes+c.OverheadBytes))
	}
	return max(1, n)
}
