package secure

import (
	"strings"
	"testing"
)

func TestPublicKeyText(t *testing.T) {
	var key PublicKey
	for i := range key {
		key[i] = byte(i * 7)
	}
	text := key.String()
	if len(text) != 44 {
		t.Errorf("String has %d characters, want 44: %s", len(text), text)
	}
	if !strings.HasPrefix(text, key.Short()) || len(key.Short()) != 8 {
		t.Errorf("Short is %q, want the first 8 characters of %s", key.Short(), text)
	}
	got, err := ParsePublicKey(text)
	if err != nil || got != key {
		t.Errorf("ParsePublicKey(%q) = %v, %v; want the key it came from", text, got, err)
	}

	for name, bad := range map[string]string{
		"empty":                  "",
		"a character short":      text[:43],
		"a character long":       text + "=",
		"not base64":             strings.Repeat("!", 44),
		"no padding":             strings.Repeat("A", 44),
		"31 bytes":               strings.Repeat("A", 42) + "==",
		"bits beyond the key":    text[:42] + "B=",
		"a line break within":    text[:20] + "\n" + text[21:],
		"URL alphabet":           strings.Repeat("-_", 21) + "A=",
		"a space before the key": " " + text[:43],
	} {
		if key, err := ParsePublicKey(bad); err == nil {
			t.Errorf("%s: ParsePublicKey(%q) = %v, want an error", name, bad, key)
		}
	}
}
