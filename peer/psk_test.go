package peer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chunkcp/internal/secure"
)

// testPSK returns a pre-shared key of one's choice.
func testPSK(t testing.TB, which int) *secure.PSK {
	t.Helper()
	path := filepath.Join(t.TempDir(), "psk")
	if err := os.WriteFile(path, []byte(strings.Repeat(fmt.Sprintf("%02x", which), secure.PSKLen)), 0o600); err != nil {
		t.Fatal(err)
	}
	psk, err := secure.LoadPSK(path)
	if err != nil {
		t.Fatal(err)
	}
	return psk
}
