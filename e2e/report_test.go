package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
)

// report is what the tests read of the JSON object that a fetch prints.
type report struct {
	OK         bool         `json:"ok"`
	Error      string       `json:"error"`
	ExitCode   int          `json:"exit_code"`
	Bytes      int64        `json:"bytes"`
	TotalBytes *int64       `json:"total_bytes"`
	Resumed    int64        `json:"resumed_bytes"`
	Seconds    float64      `json:"seconds"`
	Peers      []peerReport `json:"peers"`
}

type peerReport struct {
	Addr             string `json:"addr"`
	State            string `json:"state"`
	Bytes            int64  `json:"bytes"`
	Segments         int64  `json:"segments"`
	SegmentsRepeated int64  `json:"segments_repeated"`
	Note             string `json:"note"`
}

// parseReport refuses anything beside one JSON object on one line.
func parseReport(stdout string) (report, error) {
	var r report
	line, ok := strings.CutSuffix(stdout, "\n")
	if !ok || strings.Contains(line, "\n") {
		return r, fmt.Errorf("stdout is not one line: %q", stdout)
	}
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		return r, fmt.Errorf("stdout is not one JSON object: %w: %q", err, stdout)
	}
	return r, nil
}

// received sums what came from all peers.
func (r report) received() (segments, repeated int64) {
	for _, p := range r.Peers {
		segments += p.Segments
		repeated += p.SegmentsRepeated
	}
	return segments, repeated
}
