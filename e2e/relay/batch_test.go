package relay

import "testing"

// TestBatch: only what one write can carry goes together, which is datagrams
// of one length and a shorter one at the end.
func TestBatch(t *testing.T) {
	here, there := &outlet{}, &outlet{}
	type add struct {
		to         *outlet
		n, segment int
		want       bool
	}
	for name, adds := range map[string][]add{
		"equal":           {{here, 100, 100, true}, {here, 100, 100, true}, {here, 300, 100, true}},
		"short last":      {{here, 100, 100, true}, {here, 50, 50, true}, {here, 50, 50, false}, {here, 100, 100, false}},
		"run short last":  {{here, 250, 100, true}, {here, 100, 100, false}},
		"longer":          {{here, 100, 100, true}, {here, 101, 101, false}},
		"run of shorter":  {{here, 100, 100, true}, {here, 90, 45, false}},
		"another outlet":  {{here, 100, 100, true}, {there, 100, 100, false}},
		"full":            {{here, 60_000, 1000, true}, {here, 5000, 1000, true}, {here, 1000, 1000, false}, {here, 536, 536, true}},
		"longest payload": {{here, 65_507, 65_507, true}},
	} {
		var b batch
		for i, a := range adds {
			if got := b.add(a.to, make([]byte, a.n), a.segment); got != a.want {
				t.Errorf("%s: addition %d taken %v, want %v", name, i, got, a.want)
			}
		}
		b.reset()
		if !b.add(there, make([]byte, 7), 7) || b.n != 7 || b.segment != 7 {
			t.Errorf("%s: after reset the batch holds %d bytes", name, b.n)
		}
	}
}
