package scenario

import "testing"

func TestWants(t *testing.T) {
	for _, c := range []struct {
		tools []string
		name  string
		want  bool
	}{
		{nil, "TCP BBR", true},
		{[]string{"chunkcp"}, "chunkcp, three servers", true},
		{[]string{"chunkcp"}, "TCP BBR", false},
		{[]string{"chunkcp", "TCP"}, "TCP BBR", true},
	} {
		if got := (Settings{Tools: c.tools}).wants(c.name); got != c.want {
			t.Errorf("wants(%q) of %q: %v", c.name, c.tools, got)
		}
	}
}
