package ui

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes text of a stranger harmless to show: it neither moves the
// cursor nor hides, reorders (bidirectional spoofing, UTR 36) or breaks the line
// it stands in. All but printable runes (unicode.IsPrint: letters, marks,
// digits, punctuation, symbols and the space) become \n, \x1b, \u202e and so
// on; bytes that are not UTF-8 become \xNN.
//
// A backslash stays one, so that paths stay legible and escaping twice changes
// nothing: the result is for eyes, not for parsing back.
func Escape(s string) string {
	if !strings.ContainsFunc(s, unprintable) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			b.WriteString(`\x`)
			b.WriteString(hexByte(s[i]))
		case unprintable(r):
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

func hexByte(c byte) string {
	const hex = "0123456789abcdef"
	return string([]byte{hex[c>>4], hex[c&15]})
}
