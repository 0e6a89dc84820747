package ui

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"plain text", "10.0.0.7:7440 is down", "10.0.0.7:7440 is down"},
		{"letters of the world", "Grüße 東京 שלום", "Grüße 東京 שלום"},
		{"a path", `C:\new\x1b`, `C:\new\x1b`},
		{"line ends", "a\r\nb\tc", `a\r\nb\tc`},
		{"a control sequence", "\x1b[2Jx", `\x1b[2Jx`},
		{"a window title", "\x1b]0;me\a", `\x1b]0;me\a`},
		{"C0 and DEL", "\x00\b\x7f", `\x00\b\x7f`},
		{"C1, one rune for ESC [", "\u009b2J", `\u009b2J`},
		{"C1 as a byte", "\x9b2J", `\x9b2J`},
		{"bidi override", "\u202egpj.exe", `\u202egpj.exe`},
		{"bidi isolate", "\u2066x\u2069", `\u2066x\u2069`},
		{"zero width", "a\u200bb\ufeff", `a\u200bb\ufeff`},
		{"line separators", "a\u2028b\u2029c\u0085", `a\u2028b\u2029c\u0085`},
		{"tags", "\U000e0041", `\U000e0041`},
		{"odd spaces", "a\u00a0b\u3000c", `a\u00a0b\u3000c`},
		{"cut UTF-8", "caf\xc3", `caf\xc3`},
		{"a real replacement character", "\ufffd", "\ufffd"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Escape(c.in); got != c.want {
				t.Errorf("Escape(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[2J\u202e\xff\ufffd\\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if !utf8.ValidString(got) {
			t.Errorf("Escape(%q) = %q is not UTF-8", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
				t.Errorf("Escape(%q) = %q lets %U pass", s, got, r)
			}
		}
		if again := Escape(got); again != got {
			t.Errorf("Escape(%q) = %q, escaped again %q", s, got, again)
		}
	})
}
