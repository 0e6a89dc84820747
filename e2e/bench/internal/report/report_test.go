package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chunkcp/e2e/bench/internal/profile"
)

// sample is a bench of three scenarios with a tool that is missing, one that is
// cut off and one that fails once.
func sample() *Results {
	loss := func(percent float64) *float64 { return &percent }
	run := func(seconds float64, bytes int64) Run { return Run{Seconds: seconds, Bytes: bytes, WireBytes: bytes} }
	cut := run(30, 3_000_000)
	cut.Cut = true
	r := &Results{
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Machine: Machine{CPU: "Model 1", Cores: 2, System: "linux/amd64", Go: "go1", Versions: map[string]string{"curl": "8"}},
		Commit:  "abc",
		Command: "go run .",
		Scenarios: []Scenario{
			{Name: "loopback", Title: "Loopback", Kind: Race, Bytes: 1e9, Contenders: []Contender{
				{Name: "chunkcp", Commands: []string{"chunkcp fetch"}, Runs: []Run{run(1, 1e9), run(2, 1e9), run(1, 1e9)}},
				{Name: "curl", Runs: []Run{run(2, 1e9), run(4, 1e9), {Error: "exit\nstatus 7"}},
					Profiles: []map[profile.Use]float64{{profile.Cipher: 0.25, profile.Program: 1}, {profile.Cipher: 0.75}}},
				{Name: "tftp", Skipped: "tftp is not installed"},
			}},
			{Name: "loss-1", Title: "100 Mbit/s", Kind: Race, Bytes: 25e6, RateBitsPerSec: 100e6, LossPercent: loss(1), Contenders: []Contender{
				{Name: "chunkcp", Runs: []Run{run(2.5, 25e6)}},
				{Name: "TCP cubic", Runs: []Run{cut}},
			}},
			{Name: "beside", Title: "both", Kind: Shares, RateBitsPerSec: 100e6, Contenders: []Contender{
				{Name: "chunkcp", Runs: []Run{run(10, 30e6)}},
				{Name: "TCP cubic", Runs: []Run{run(10, 10e6)}},
			}},
			{Name: "channels", Title: "channels", Kind: Channels, RateBitsPerSec: 20e6, Contenders: []Contender{
				{Name: "1", Channels: 1, Theory: 0.1, Runs: []Run{run(1, 250_000)}},
				{Name: "2", Channels: 2, Theory: 0.2, Runs: []Run{run(1, 500_000)}},
			}},
		},
	}
	for i := range r.Scenarios {
		r.Scenarios[i].Summarize()
	}
	return r
}

func TestMarkdownTellsEverything(t *testing.T) {
	var b strings.Builder
	sample().WriteMarkdown(&b)
	text := b.String()
	// Without the padding of the columns.
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' }), " ")
	for what, want := range map[string]string{
		"the machine":               "Model 1, 2 cores; linux/amd64; go1",
		"the commit":                "commit abc",
		"a version":                 "- curl: 8",
		"a command":                 "chunkcp fetch",
		"the first, 1.00 of itself": "| chunkcp | 1.000 | 0.500 to 1.000 | 1.00 | 1.00 |",
		"half of it, in pairs too":  "| curl | 0.375 | 0.250 to 0.500 | 0.50 | 0.50 |",
		"who did not take part":     "- tftp skipped: tftp is not installed",
		"what failed":               "- curl, run 3 failed: exit status 7",
		"the overview":              "| 100 Mbit/s | 80.0 % | 0.8 % (cut) |",
		"what was cut off":          "TCP cubic (cut off in 1 of 1) | 0.80 |",
		"the shares":                "| chunkcp | 24.00 | 24.00 to 24.00 | 75.0 % |",
		"their fairness":            "Jain's index: 0.800",
		"the means of a profile":    "| curl | 1.00 | 0.50 | 0.00 | 0.00 | 0.00 | 0.00 | 0.00 | 0.00 | 0.00 | 0.50 |",
		"the use of a line":         "| 2 | 4.00 | 20.0 % | 20.0 % to 20.0 % | 20.0 % |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing: %q", what, want)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}

// A ratio is of the runs in which both did well.
func TestSummarizeLeavesFailedRunsOut(t *testing.T) {
	s := sample().Scenarios[0]
	if c := s.Contenders[1]; c.Goodput.N != 2 || c.Ratio.OfPairs != 0.5 {
		t.Errorf("%+v, %+v", c.Goodput, c.Ratio)
	}
	if c := s.Contenders[2]; c.Goodput.N != 0 || c.Ratio.OfPairs != 0 {
		t.Errorf("%+v, %+v of no runs", c.Goodput, c.Ratio)
	}
}

func TestJSONReadsBack(t *testing.T) {
	var b bytes.Buffer
	if err := sample().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Results
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if got := back.Scenarios[1].Contenders[1].Runs[0]; !got.Cut || got.Bytes != 3_000_000 {
		t.Errorf("read back %+v", got)
	}
}

func TestSetLinksFindsTheServer(t *testing.T) {
	var r Run
	r.SetLinks([]Link{
		{Host: "s1", Direction: "down", BytesOut: 1},
		{Host: "s1", Direction: "up", BytesOut: 2},
		{Host: "s2", Direction: "up", BytesOut: 3},
	}, "s1")
	if r.WireBytes != 2 || len(r.Links) != 3 {
		t.Errorf("%+v", r)
	}
}

func TestDraw(t *testing.T) {
	dir := t.TempDir()
	r := sample()
	if err := r.Draw(dir); err != nil {
		t.Fatal(err)
	}
	for name, words := range map[string][]string{
		"goodput-loss.svg":         {"<svg", "chunkcp", "TCP cubic"},
		"utilisation-channels.svg": {"<svg", "measured"},
	} {
		svg, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(string(svg), word) {
				t.Errorf("%s has no %q", name, word)
			}
		}
	}
	// A plot of another bench does not stay beside these results.
	r.Scenarios = r.Scenarios[:1]
	if err := r.Draw(dir); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

func TestTableIsAligned(t *testing.T) {
	table := table{head: []string{"tool", "GB/s"}}
	table.add("a|b", "1.0")
	table.add("skipped")
	var b strings.Builder
	table.write(&b)
	want := `| tool    | GB/s |
|---------|-----:|
| a\|b    |  1.0 |
| skipped |      |

`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
