package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseOptions(t *testing.T) {
	o, err := parseOptions([]string{"-runs", "3", "-size", "64MiB", "-scenarios", "loopback,deep", "-cut", "5s", "-tools", "chunkcp,TCP", "-profile", "3"})
	if err != nil {
		t.Fatal(err)
	}
	if o.runs != 3 || o.size != 64<<20 || o.cut != 5*time.Second || len(o.scenarios) != 2 || len(o.tools) != 2 || o.sampled != 3 {
		t.Errorf("%+v", o)
	}
}

func TestParseOptionsReportsEverything(t *testing.T) {
	_, err := parseOptions([]string{
		"-runs", "0", "-profile", "-1", "-size", "1GB", "-seconds", "NaN", "-cut", "0s", "-scenarios", "moon", "rest",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{"-runs 0", "-profile -1", `"1GB"`, "-seconds", "-cut", `"moon"`, `"rest"`} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error says nothing of %s: %v", word, err)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{"1": 1, "7KiB": 7 << 10, "64MiB": 64 << 20, "2GiB": 2 << 30} {
		if got, err := parseSize(s); got != want || err != nil {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "0", "-1", "GiB", "1.5GiB", "99999999999GiB", "1 MiB"} {
		if got, err := parseSize(s); err == nil {
			t.Errorf("%q: %d and no error", s, got)
		}
	}
}
