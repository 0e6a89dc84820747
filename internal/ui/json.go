package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf16"
)

// jsonResult is what WriteJSON writes. Its names are promised to programs:
// fields may be added, never renamed or removed, and all are always there.
type jsonResult struct {
	OK              bool       `json:"ok"`                 // all of the file is there
	Error           string     `json:"error"`              // why not, or ""
	ExitCode        int        `json:"exit_code"`          // of the program
	Name            string     `json:"name"`               // of the file, as asked for
	Out             string     `json:"out"`                // path of the copy, "-" for stdout
	Bytes           int64      `json:"bytes"`              // verified, those resumed included
	TotalBytes      *int64     `json:"total_bytes"`        // of the file, null when never learnt
	Root            string     `json:"root"`               // "b3:" and the BLAKE3 hash that the file has or was to have, "" if never learnt
	ResumedBytes    int64      `json:"resumed_bytes"`      // of bytes, left by an earlier fetch
	Seconds         float64    `json:"seconds"`            // the fetch took
	RateBytesPerSec float64    `json:"rate_bytes_per_sec"` // (bytes - resumed_bytes) / seconds
	Limit           string     `json:"limit"`              // what limited the rate, or ""
	Peers           []jsonPeer `json:"peers"`              // in the order of the config, never null
}

type jsonPeer struct {
	Addr             string   `json:"addr"`
	State            string   `json:"state"`              // the last: "live", "down", ...
	Sessions         int      `json:"sessions"`           // open at the end
	Bytes            int64    `json:"bytes"`              // received from this peer
	Share            float64  `json:"share"`              // of the bytes of all peers, 0 to 1
	RateBytesPerSec  float64  `json:"rate_bytes_per_sec"` // bytes / seconds of the fetch
	RTTSeconds       *float64 `json:"rtt_seconds"`        // null when not measured
	Segments         uint64   `json:"segments"`           // transmissions, repeats included
	SegmentsRepeated uint64   `json:"segments_repeated"`  // of segments, sent before
	Note             string   `json:"note"`
}

// WriteJSON writes the report of a fetch for programs, with the fields of
// jsonResult.
func WriteJSON(w io.Writer, r Result) error { return EncodeJSON(w, toJSON(r)) }

// EncodeJSON writes v as JSON on one line. Runes that could disturb a terminal are
// written as \uXXXX, which reads back as the same text. A path that is not UTF-8
// cannot be told in JSON (RFC 8259 section 8.1): its odd bytes become U+FFFD.
func EncodeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("BUG: a result that JSON cannot hold: " + err.Error())
	}
	if _, err := w.Write(escapeJSON(b.Bytes())); err != nil {
		return fmt.Errorf("write the JSON report: %w", err)
	}
	return nil
}

func toJSON(r Result) jsonResult {
	j := jsonResult{
		OK:              r.Err == nil,
		ExitCode:        r.ExitCode,
		Name:            r.Name,
		Out:             r.Out,
		Root:            r.Root,
		Bytes:           r.Done,
		ResumedBytes:    r.Resumed,
		Seconds:         r.Elapsed.Seconds(),
		RateBytesPerSec: r.average(),
		Limit:           r.Limit,
		Peers:           []jsonPeer{},
	}
	if r.Err != nil {
		j.Error = r.Err.Error()
	}
	if r.Total >= 0 {
		j.TotalBytes = &r.Total
	}
	for _, p := range r.Peers {
		j.Peers = append(j.Peers, toJSONPeer(r.Snapshot, p))
	}
	return j
}

func toJSONPeer(s Snapshot, p PeerStatus) jsonPeer {
	j := jsonPeer{
		Addr:             p.Addr,
		State:            p.State,
		Sessions:         p.Sessions,
		Bytes:            p.Bytes,
		Share:            share(s, p),
		RateBytesPerSec:  perSecond(p.Bytes, s.Elapsed),
		Segments:         p.Segments,
		SegmentsRepeated: p.Repeated,
		Note:             p.Note,
	}
	if p.RTT > 0 {
		seconds := float64(p.RTT) / float64(time.Second)
		j.RTTSeconds = &seconds
	}
	return j
}

// escapeJSON writes the runes that Escape would not show as \uXXXX, in UTF-16
// as JSON has it. Outside of its strings JSON is ASCII, and inside them
// encoding/json has seen to the control bytes, so the line feed at the end is
// the only rune to leave alone.
func escapeJSON(text []byte) []byte {
	var b []byte
	for _, r := range string(text) {
		switch {
		case r == '\n' || !unprintable(r):
			b = append(b, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}
