package tree

import (
	"strings"
	"testing"
)

const someDigits = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"

func TestParseHash(t *testing.T) {
	want := PieceHash(nil, 0, 1) // the root of the empty file, whose digits these are
	for _, text := range []string{
		someDigits, strings.ToUpper(someDigits), "b3:" + someDigits, "b3:" + strings.ToUpper(someDigits),
	} {
		if h, err := ParseHash(text); err != nil || h != want {
			t.Errorf("%s: %v, %v", text, h, err)
		}
	}
	if want.String() != someDigits || want.Text() != "b3:"+someDigits {
		t.Errorf("printed as %q and %q", want.String(), want.Text())
	}
}

func TestParseHashSaysWhatIsWrong(t *testing.T) {
	for text, says := range map[string]string{
		"":                                "0 digits",
		"b3:":                             "0 digits",
		someDigits[1:]:                    "63 digits",
		"b3:" + someDigits + "0":          "65 digits",
		" " + someDigits[1:]:              "not hexadecimal",
		"g" + someDigits[1:]:              "not hexadecimal",
		"sha256:" + someDigits:            `"sha256" is no hash`,
		"B3:" + someDigits:                `"B3" is no hash`,
		"b3:b3:" + someDigits:             `"b3" is no hash`,
		strings.Repeat("0", 1<<16):        "65536 digits",
		strings.Repeat("é", 32):           "not hexadecimal",
		strings.Repeat(":", 1<<16) + "\n": "is no hash",
	} {
		h, err := ParseHash(text)
		if err == nil {
			t.Errorf("%.80q was taken for %v", text, h)
			continue
		}
		if !strings.Contains(err.Error(), says) || len(err.Error()) > 500 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.80q: the error is %q, and says nothing of %q", text, err, says)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(someDigits)
	f.Add("b3:" + strings.ToUpper(someDigits))
	f.Add("sha256:" + someDigits)
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHash(text)
		if err != nil {
			if h != (Hash{}) {
				t.Errorf("%q: an error and %v", text, h)
			}
			return
		}
		digits := strings.ToLower(text)
		if digits != h.String() && digits != h.Text() {
			t.Errorf("%q was taken for %v", text, h)
		}
		if again, err := ParseHash(h.Text()); err != nil || again != h {
			t.Errorf("%q: %v printed is %v, %v", text, h, again, err)
		}
	})
}
