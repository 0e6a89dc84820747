// Package report is what the bench found out: Results hold it, WriteJSON keeps
// all of it for programs, WriteMarkdown makes tables and Draw makes plots.
package report

import (
	"encoding/json"
	"io"
	"math"
	"time"

	"chunkcp/e2e/bench/internal/profile"
	"chunkcp/e2e/bench/internal/stats"
)

// Results is all of one run of the bench.
type Results struct {
	Started   time.Time  `json:"started"`
	Machine   Machine    `json:"machine"`
	Commit    string     `json:"commit"`
	Command   string     `json:"command"` // of the bench itself
	Scenarios []Scenario `json:"scenarios"`
}

// Machine is where it was measured.
type Machine struct {
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	System   string            `json:"system"` // kernel and architecture
	Go       string            `json:"go"`
	Versions map[string]string `json:"versions"` // of the programs compared
}

// Kind is what a scenario asks.
type Kind string

const (
	Race     Kind = "race"     // who is faster, one after another
	Shares   Kind = "shares"   // what each gets, all at once
	Channels Kind = "channels" // how a line is used by so many channels
)

// Scenario is one situation and what each contender made of it.
type Scenario struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Kind  Kind   `json:"kind"`
	// Load is the machine's load average of a minute when it began: near 0 on
	// a machine with nothing else to do.
	Load float64 `json:"load_before"`

	Bytes          int64    `json:"bytes"`             // of the file
	RateBitsPerSec float64  `json:"rate_bits_per_sec"` // of the link; 0 is no link
	LossPercent    *float64 `json:"loss_percent"`      // where loss is what the plot shows
	Links          []string `json:"links"`             // the hosts of the lab

	Contenders []Contender `json:"contenders"`
}

// Contender is one tool in one scenario. The first is what the others are
// compared with.
type Contender struct {
	Name     string   `json:"name"`
	Skipped  string   `json:"skipped"`  // why it did not take part, or ""
	Commands []string `json:"commands"` // servers', then the client's
	Runs     []Run    `json:"runs"`

	// Of the scenario of channels.
	Channels int     `json:"channels,omitempty"`
	Theory   float64 `json:"theory,omitempty"` // utilisation, 0 to 1

	// Processor time by what it was spent on, of runs that are not among Runs.
	Profiles []map[profile.Use]float64 `json:"cpu_seconds_by_use,omitempty"`

	Goodput stats.Summary `json:"goodput_bytes_per_sec"`
	Ratio   stats.Ratio   `json:"ratio_to_first"`
}

// Run is one transfer.
type Run struct {
	Seconds float64 `json:"seconds"` // until the client ended or was cut off
	Bytes   int64   `json:"bytes"`   // of the file that were there then
	Cut     bool    `json:"cut"`     // it took too long and was cut off
	Error   string  `json:"error"`   // why it failed, or ""

	ClientCPUSeconds float64 `json:"client_cpu_seconds"` // user and system
	ServerCPUSeconds float64 `json:"server_cpu_seconds"`
	ClientPeakRSS    int64   `json:"client_peak_rss_bytes"`
	ServerPeakRSS    int64   `json:"server_peak_rss_bytes"`

	RTTSeconds     float64 `json:"rtt_seconds"`      // mean of the probes beside it; 0 is none
	ToolRTTSeconds float64 `json:"tool_rtt_seconds"` // as the tool says at its end; 0 is nothing

	// The lab's links, of a run in a lab.
	Links []Link `json:"links,omitempty"`
	// What the first server sent, whole IP packets, to this flow only.
	WireBytes int64 `json:"wire_bytes,omitempty"`
}

// Link is one direction of a host's link, as the lab counts.
type Link struct {
	Host         string `json:"host"`
	Direction    string `json:"direction"` // "up" is what the host sends
	PacketsIn    uint64 `json:"packets_in"`
	PacketsOut   uint64 `json:"packets_out"`
	BytesOut     uint64 `json:"bytes_out"`
	Lost         uint64 `json:"lost"`
	QueueDropped uint64 `json:"queue_dropped"`
}

// Goodput returns bytes of the file per second; NaN of a run that failed.
func (r Run) Goodput() float64 {
	if r.Error != "" || r.Seconds <= 0 {
		return math.NaN()
	}
	return float64(r.Bytes) / r.Seconds
}

// Wire returns bytes of IP packets that the first server sent per second.
func (r Run) Wire() float64 {
	if r.Error != "" || r.Seconds <= 0 {
		return math.NaN()
	}
	return float64(r.WireBytes) / r.Seconds
}

// SetLinks records what the lab's links did, and what the host sent that served
// this run.
func (r *Run) SetLinks(links []Link, host string) {
	r.Links = links
	for _, l := range links {
		if l.Host == host && l.Direction == "up" {
			r.WireBytes = int64(l.BytesOut)
		}
	}
}

// Summarize fills in what follows from the runs.
func (s *Scenario) Summarize() {
	for i := range s.Contenders {
		c := &s.Contenders[i]
		c.Goodput = stats.Summarize(c.values(Run.Goodput))
		c.Ratio = stats.Compare(c.series(Run.Goodput), s.Contenders[0].series(Run.Goodput))
	}
}

// series returns a number of each run, in their order.
func (c Contender) series(of func(Run) float64) []float64 {
	var list []float64
	for _, r := range c.Runs {
		list = append(list, of(r))
	}
	return list
}

// values returns a number of each run that did not fail.
func (c Contender) values(of func(Run) float64) []float64 {
	var list []float64
	for _, r := range c.Runs {
		if r.Error == "" {
			list = append(list, of(r))
		}
	}
	return list
}

// median returns the middle of a number over the runs that did not fail.
func (c Contender) median(of func(Run) float64) float64 { return stats.Median(c.values(of)) }

// WriteJSON writes everything.
func (r *Results) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
