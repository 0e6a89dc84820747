package report

import (
	"fmt"
	"io"

	"chunkcp/e2e/bench/internal/profile"
)

// writeProfiles says where the processors' time went, for those that were sampled.
func (s Scenario) writeProfiles(w io.Writer) {
	t := table{head: []string{"seconds of CPU", "all"}}
	for _, u := range profile.Uses() {
		t.head = append(t.head, string(u))
	}
	for _, c := range s.Contenders {
		if len(c.Profiles) == 0 {
			continue
		}
		var all float64
		var row []string
		for _, u := range profile.Uses() {
			mean := c.meanOf(u)
			all += mean
			row = append(row, fmt.Sprintf("%.2f", mean))
		}
		t.add(append([]string{c.Name, fmt.Sprintf("%.2f", all)}, row...)...)
	}
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(w, "Where the processors' time went, both sides together, by sampling in runs of their own, which are slower for it:\n\n")
	t.write(w)
}

// meanOf returns the seconds that went to a use, as a mean of the runs sampled.
func (c Contender) meanOf(u profile.Use) (mean float64) {
	for _, p := range c.Profiles {
		mean += p[u] / float64(len(c.Profiles))
	}
	return mean
}
