package peer

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes sure that no test leaves a goroutine. Bubbles see to their
// own; this is for the rest.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
