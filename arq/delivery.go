package arq

import "time"

// Delivery is where delivery stands at a moment, kept with each transmission, so
// that its acknowledgement tells the rate at which bytes were delivered meanwhile
// (draft-cheng-iccrg-delivery-rate-estimation).
type Delivery struct {
	delivered   int64     // bytes acknowledged so far
	deliveredAt time.Time // when the last of them were
	firstSentAt time.Time // when the last-sent of them had been sent
	appLimited  bool      // there was less to send than the path took
}

// deliveryMeter measures the rate of delivery.
type deliveryMeter struct {
	Delivery
	limitedTo int64 // bytes sent up to here were sent application-limited; 0 for none
}

// sending returns what to keep with a transmission at now. idle says that
// nothing was in flight: time without work is not measured.
func (m *deliveryMeter) sending(now time.Time, idle bool) Delivery {
	if idle || m.deliveredAt.IsZero() {
		m.firstSentAt, m.deliveredAt = now, now
	}
	d := m.Delivery
	d.appLimited = m.limitedTo > 0
	return d
}

// limit notes that there is less to send than the path takes: what is in flight
// tells nothing of the path's rate.
func (m *deliveryMeter) limit(inFlight int) {
	m.limitedTo = max(1, m.delivered+int64(inFlight))
}

// acknowledged notes that bytes have been delivered, and returns the rate at
// which that happened since last, the last-sent of them, was sent at sentAt; 0 if
// the time is too short to tell.
func (m *deliveryMeter) acknowledged(now time.Time, bytes int, sentAt time.Time, last Delivery, minRTT time.Duration) float64 {
	m.delivered += int64(bytes)
	m.deliveredAt = now
	if m.limitedTo > 0 && m.delivered > m.limitedTo {
		m.limitedTo = 0
	}
	if sentAt.IsZero() {
		return 0
	}
	m.firstSentAt = sentAt
	// The slower of sending and acknowledging: neither acknowledgements that
	// come in a bunch nor a burst of sending count as rate.
	interval := max(sentAt.Sub(last.firstSentAt), now.Sub(last.deliveredAt))
	if interval < minRTT || interval <= 0 {
		return 0
	}
	return float64(m.delivered-last.delivered) / interval.Seconds()
}
