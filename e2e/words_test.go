package e2e

import (
	"strings"
	"testing"
	"unicode"

	"chunkcp/proto"
)

// asControl returns a frame that carries a control message.
func asControl(m proto.Message) []byte {
	s := proto.Segment{Count: 1, Payload: m.Append(nil)}
	return s.Append(nil)
}

// TestHostileWords: a server's words are shown, and neither move the cursor nor
// make a line of their own, on the terminal, in the log and in the report.
func TestHostileWords(t *testing.T) {
	const words = "\x1b[2J\x1b]0;t\x07\r\u009b1m\u202eexe\u2028\xff\nchunkcp: run: rm the end"
	closing := proto.Close{Code: proto.CloseBusy, Reason: words}
	longest := proto.Close{Code: proto.CloseBusy, Reason: strings.Repeat("\x1b[31m", proto.MaxReason/5-8) + "the end"}
	for name, frame := range map[string][]byte{
		"close":        closing.Append(nil),
		"long close":   longest.Append(nil),
		"failed":       asControl(&proto.Failed{ID: 1, Code: proto.FailBusy, Reason: words}),
		"failed oddly": asControl(&proto.Failed{ID: 1, Code: 999, Reason: words}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startRogue(t, 0, conduct{says: frame})
			home := t.TempDir()
			p, err := start(home, environment(home), "fetch", "data", "--peer", l.addr(), "--timeout", "1s", "-v", "--json")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.kill)
			if code, err := p.wait(fetchLimit); err != nil || code != 6 {
				t.Fatalf("exit code %d, %v:\n%s", code, err, p.stderr.String())
			}
			for what, text := range map[string]string{"stderr": p.stderr.String(), "stdout": p.stdout.String()} {
				if !strings.Contains(text, "the end") {
					t.Errorf("%s does not tell its words:\n%s", what, text)
				}
				for _, r := range text {
					if !unicode.IsPrint(r) && r != '\n' {
						t.Fatalf("%U on %s:\n%q", r, what, text)
					}
				}
				for line := range strings.Lines(text) {
					if before, _, ok := strings.Cut(line, "run: rm"); ok && !strings.Contains(before, "peer") {
						t.Errorf("%s has a line of the server's making: %q", what, line)
					}
					if len(line) > 4096 {
						t.Errorf("%s has a line of %d bytes", what, len(line))
					}
				}
			}
		})
	}
}
