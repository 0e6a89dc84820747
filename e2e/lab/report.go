package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// report is what the links did, for a person or a program.
type report struct {
	Seed    uint64       `json:"seed"`
	Seconds float64      `json:"seconds"` // how long the lab stood
	Links   []linkReport `json:"links"`
}

type linkReport struct {
	Host      string `json:"host"`
	Direction string `json:"direction"` // "up" or "down"
	counters
}

func newReport(f *fabric, seed uint64, stood time.Duration) report {
	r := report{Seed: seed, Seconds: stood.Seconds()}
	for _, s := range f.stations {
		r.Links = append(r.Links,
			linkReport{s.name, "up", s.up.counters},
			linkReport{s.name, "down", s.down.counters})
	}
	return r
}

// print writes a line for each link. Counters of what did not happen are left
// out, but for losses, of which a reader wants to know that there were none.
func (r report) print(w io.Writer) {
	for _, l := range r.Links {
		fmt.Fprintf(w, "lab: %s %s: in %d out %d lost %d queue-drop %d", l.Host, l.Direction,
			l.PacketsIn, l.PacketsOut, l.Lost, l.QueueDropped)
		for _, c := range []struct {
			name  string
			count uint64
		}{
			{"cut", l.Cut}, {"too-long", l.TooLong}, {"refused", l.Refused},
			{"dup", l.Duplicated}, {"held-back", l.HeldBack}, {"corrupt", l.Corrupted},
		} {
			if c.count > 0 {
				fmt.Fprintf(w, " %s %d", c.name, c.count)
			}
		}
		fmt.Fprintf(w, ", %.2f Mbit/s over %.2fs\n", float64(l.BytesOut)*8/1e6/r.Seconds, r.Seconds)
	}
}

func (r report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
