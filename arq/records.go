package arq

const (
	// What a Sender remembers costs so many bytes: of a channel with the numbers of
	// its transmissions, of a transmission, of a range that waits.
	channelBytes = 168
	flightBytes  = 120
	workBytes    = 24

	// leastFlights and leastChannels are how many a Sender makes room for at first.
	leastFlights  = 64
	leastChannels = 8

	// spareFlights is room in the log for probes, where there is no memory for more:
	// with backoff a peer that answers none is given up before.
	spareFlights = 8
)

// LeastRecords is how many bytes of Config.Records have a Sender have 64 transmissions
// and 17 channels: a megabyte in flight.
const LeastRecords = leastFlights*flightBytes + 4*leastChannels*channelBytes

// taken asks for n bytes of m; nil has all.
func taken(m Memory, n int) bool { return m == nil || m.Take(n) }

// canRecord reports whether one more transmission can be remembered, and leave room
// for probes.
func (s *Sender) canRecord() bool {
	if !s.log.full(spareFlights) {
		return true
	}
	n := len(s.log.ring)
	more := max(leastFlights, n)
	if !taken(s.cfg.Records, more*flightBytes) {
		return false
	}
	s.log.grow(n + more)
	return true
}

// canOpen reports whether there can be one more channel.
func (s *Sender) canOpen() bool {
	n := len(s.channels)
	if n > s.cfg.Channels {
		return false
	}
	if n < cap(s.channels) {
		return true
	}
	more := max(leastChannels, n)
	if !taken(s.cfg.Records, more*channelBytes) {
		return false
	}
	s.channels = append(make([]channel, 0, n+more), s.channels...)
	return true
}

// canHold reports whether so many ranges more can wait, where there need not be.
func (q *workQueue) canHold(ranges int) bool {
	n := len(q.items)
	if n+ranges > maxWork {
		return false
	}
	if n+ranges <= cap(q.items) {
		return true
	}
	more := max(leastFlights, n, n+ranges-cap(q.items))
	if !taken(q.records, more*workBytes) {
		return false
	}
	q.items = append(make([]work, 0, cap(q.items)+more), q.items...)
	return true
}
