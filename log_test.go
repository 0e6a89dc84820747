package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"chunkcp/proto"
)

// hostile is text that clears a screen, sets its title, hides, reorders and
// breaks lines, and is no UTF-8.
const hostile = "\x1b[2J\x1b]0;title\x07\r\n\x00\x7f\u0085\u009b31m\u202egnp.exe\u2028\u200b\xff\xc0end"

// wantHarmless fails the test unless every line ends where it should and
// moves nothing.
func wantHarmless(t *testing.T, log string, lines int) {
	t.Helper()
	if !utf8.ValidString(log) {
		t.Errorf("not UTF-8: %q", log)
	}
	if got := strings.Count(log, "\n"); got != lines {
		t.Errorf("%d lines, want %d: %q", got, lines, log)
	}
	for _, r := range log {
		if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			t.Errorf("%U is in %q", r, log)
		}
	}
	if !strings.Contains(log, "end") {
		t.Errorf("the text is not in %q", log)
	}
}

// TestLogsOfHostileText: whatever a stranger says, the log shows it as text, in
// one line.
func TestLogsOfHostileText(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		t.Run(fmt.Sprintf("terminal=%v", terminal), func(t *testing.T) {
			var b bytes.Buffer
			log := newLog(&b, terminal, zapcore.DebugLevel).With(zap.String("with", hostile))
			log.Warn("message", zap.String("name", hostile), zap.Error(errors.New(hostile)), zap.Any("any", proto.Close{Reason: hostile}))
			log.Warn(hostile, zap.String(hostile, ""))
			wantHarmless(t, b.String(), 2)
			if terminal {
				return
			}
			for line := range strings.Lines(b.String()) {
				var fields map[string]any
				if err := json.Unmarshal([]byte(line), &fields); err != nil {
					t.Errorf("%q: %v", line, err)
				}
			}
		})
	}
}

// TestLogIsBounded: no client fills a disk by what it has logged.
func TestLogIsBounded(t *testing.T) {
	var b bytes.Buffer
	log := bounded(newLog(&b, false, zapcore.InfoLevel))
	const asked = 10_000
	for range asked {
		log.Info("request", zap.String("name", "x"))
	}
	log.Info("another")
	// A second may end meanwhile, and another begin.
	if got := strings.Count(b.String(), "\n"); got < logLines || got > 3*(logLines+asked/logLines) {
		t.Errorf("%d lines of %d", got, asked)
	}
	if !strings.Contains(b.String(), "another") {
		t.Error("one kind of line keeps another out")
	}
}

// TestMessagesOfHostileText: what ends the program is told in lines that begin
// with its name, and a stranger's text makes none.
func TestMessagesOfHostileText(t *testing.T) {
	var b strings.Builder
	printError(&b, fmt.Errorf("no live peer\n  10.0.0.1:1: session closed by the peer: busy: %q", hostile+"\nchunkcp: run: rm"))
	wantHarmless(t, b.String(), 2)
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "chunkcp: ") {
			t.Errorf("a line of its own: %q", line)
		}
	}
}
