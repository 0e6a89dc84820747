package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"chunkcp/e2e/bench/internal/report"
	"chunkcp/e2e/bench/internal/stats"
	"chunkcp/e2e/bench/internal/tool"
)

func settings(t *testing.T) Settings {
	return Settings{Runs: 2, Size: 1 << 20, LinkSeconds: 10, Dir: t.TempDir(), Log: t.Logf}
}

func TestChooseByNameAndGroup(t *testing.T) {
	names := func(list ...string) (found []string) {
		chosen, err := Choose(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range chosen {
			found = append(found, s.Name)
		}
		return found
	}
	if got := names("loss-1", "loopback"); !slices.Equal(got, []string{"loopback", "loss-1"}) {
		t.Errorf("got %v, want these two in the bench's order", got)
	}
	if got := names("lab"); !slices.Contains(got, "loss-0") || !slices.Contains(got, "channels") || slices.Contains(got, "loopback") {
		t.Errorf("the lab is %v", got)
	}
	if _, err := Choose([]string{"loss-1", "los-5"}); err == nil {
		t.Error("took a name that no scenario has")
	}
}

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		if seen[s.Name] {
			t.Errorf("two scenarios are named %s", s.Name)
		}
		seen[s.Name] = true
	}
	for _, r := range races() {
		seen := map[string]bool{}
		for _, tool := range r.tools(settings(t)) {
			if seen[tool.Name] {
				t.Errorf("%s: two tools are named %s", r.name, tool.Name)
			}
			seen[tool.Name] = true
			if tool.Servers > len(r.hosts)-1 {
				t.Errorf("%s: %s wants %d servers of %d", r.name, tool.Name, tool.Servers, len(r.hosts)-1)
			}
		}
	}
}

// Nobody gets two turns in a row, the turn that warms up is not counted, and
// who is skipped holds nobody up.
func TestTakeTurns(t *testing.T) {
	var order []string
	entry := func(name string) entrant {
		return entrant{tool: tool.Tool{Name: name}, run: func(_ context.Context, turn int) (report.Run, []string) {
			order = append(order, fmt.Sprint(name, turn))
			r := report.Run{Seconds: 1, Bytes: 100}
			if name == "B" && turn == 1 {
				r.Error = "lost its way"
			}
			return r, []string{"run " + name}
		}}
	}
	skipped := entry("C")
	skipped.skipped = errors.New("not installed")
	var result report.Scenario
	if err := settings(t).takeTurns(t.Context(), &result, []entrant{entry("A"), entry("B"), skipped}, true); err != nil {
		t.Fatal(err)
	}
	if want := []string{"A0", "B0", "A1", "B1", "A2", "B2"}; !slices.Equal(order, want) {
		t.Errorf("turns %v, want %v", order, want)
	}
	a, b, c := result.Contenders[0], result.Contenders[1], result.Contenders[2]
	if a.Goodput.N != 2 || b.Goodput.N != 1 || len(b.Runs) != 2 || c.Skipped != "not installed" {
		t.Errorf("%+v", result.Contenders)
	}
}

func TestTakeTurnsStopsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	runs := 0
	e := entrant{run: func(context.Context, int) (report.Run, []string) {
		runs++
		cancel()
		return report.Run{}, nil
	}}
	if err := settings(t).takeTurns(ctx, &report.Scenario{}, []entrant{e}, false); err == nil || runs != 1 {
		t.Errorf("%d runs, error %v", runs, err)
	}
}

func TestSourceIsOfTheSize(t *testing.T) {
	s := settings(t)
	dir, source, err := s.source(1_234_567)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(source.Path())
	if err != nil || info.Size() != 1_234_567 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(s.Dir); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}

func TestSizeFillsTheLinkForTheTime(t *testing.T) {
	if got := settings(t).size(100e6); got != 125e6 {
		t.Errorf("%d bytes, want 10 s of 100 Mbit/s", got)
	}
}

// The last number of channels is the first with which theory has the line full.
func TestMostChannelsFillTheLine(t *testing.T) {
	const a = channelsRTT / 2 / (frameBits / channelsRate)
	if stats.Utilisation(mostChannels, a) != 1 || stats.Utilisation(mostChannels/2, a) == 1 {
		t.Errorf("a is %v", a)
	}
}
