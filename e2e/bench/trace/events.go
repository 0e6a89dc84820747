package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// event is what a drawing needs of one line.
type event struct {
	Seconds         float64 `json:"t_seconds"`
	Session         uint64  `json:"session"`
	Kind            string  `json:"kind"`
	Bytes           int     `json:"bytes"`
	RTT             float64 `json:"rtt_seconds"`
	InFlight        int     `json:"in_flight_bytes"`
	Window          int     `json:"window_bytes"`
	RateBytesPerSec float64 `json:"rate_bytes_per_sec"`
}

// read returns the events of one session, in order; of the one that sent most
// if session is 0.
func read(r io.Reader, session uint64) ([]event, error) {
	bySession := map[uint64][]event{}
	sent := map[uint64]int{}
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // a last line without its end was cut off
			break
		}
		if err != nil {
			return nil, err
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		bySession[e.Session] = append(bySession[e.Session], e)
		if e.Kind == "sent" {
			sent[e.Session] += e.Bytes
		}
	}
	if session == 0 {
		for id, n := range sent {
			if best := sent[session]; n > best || n == best && id < session {
				session = id
			}
		}
	}
	if len(bySession[session]) == 0 {
		return nil, fmt.Errorf("no session %d", session)
	}
	return bySession[session], nil
}
