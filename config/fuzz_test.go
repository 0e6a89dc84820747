package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// FuzzParse holds Parse to its contract on any bytes: a File within its bounds
// or errors that name a line of the file, and a line for every key of a
// document that the TOML library accepts.
func FuzzParse(f *testing.F) {
	f.Add(example)
	for _, s := range []string{
		"peer = [{addr = 'a', key = \"b\"},\n]\n",
		"[[a]]\n[[a.b]]\n[a.b.c]\n'e f' = \"\"\"x\"\"\"\"\"\ng = 1\n",
		"a = 1979-05-27 07:32:00 # b\nb = [[1, 2], ['''\n]''', \"\\\"\"]]\n",
		"\"a\\u0062\" = {b.c = {}, d = []}\n",
		"[serve]\nlisten = ':1'\n[fetch]\ntimeout = '1h'\nsessions = 1\n",
		"[a]\n[a.b]\nc = {\n d = 1,\n}\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("c.toml", data)
		if err == nil {
			checkFile(t, file)
		} else {
			checkErrors(t, err, 1+strings.Count(string(data), "\n"))
		}
		checkLines(t, data)
	})
}

func checkFile(t *testing.T, file *File) {
	if len(file.Peers) > MaxPeers || file.Fetch.Sessions < 0 || file.Fetch.Sessions > MaxSessions || file.Fetch.Timeout < 0 {
		t.Errorf("out of bounds: %+v", file)
	}
	for _, p := range file.Peers {
		again, err := ParsePeer(p.Addr)
		if err != nil || again.Addr != p.Addr {
			t.Errorf("peer %q is %+v when parsed again, %v", p.Addr, again, err)
		}
	}
	if addr := file.Serve.Listen; addr != "" {
		if again, err := ParseListen(addr); err != nil || again != addr {
			t.Errorf("listen %q is %q when parsed again, %v", addr, again, err)
		}
	}
}

func checkErrors(t *testing.T, err error, lines int) {
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for _, err := range errs {
		var configErr *Error
		if !errors.As(err, &configErr) || configErr.Path != "c.toml" || configErr.Line < 1 || configErr.Line > lines {
			t.Errorf("error %q of a file of %d lines", err, lines)
		}
	}
}

// checkLines compares the locator with the TOML library.
func checkLines(t *testing.T, data []byte) {
	lines, deep := locate(string(data))
	if deep != nil {
		return // the library could take forever
	}
	var document map[string]any
	if toml.Unmarshal(data, &document) != nil {
		return
	}
	checkKeys(t, lines, "", document)
}

func checkKeys(t *testing.T, lines map[string]int, at string, table map[string]any) {
	for key, value := range table {
		path := join(at, key)
		if lines[path] == 0 {
			t.Errorf("no line for %s", path)
		}
		if list, ok := tables(value); ok {
			for i, table := range list {
				checkKeys(t, lines, element(path, i), table)
			}
		} else if table, ok := value.(map[string]any); ok {
			checkKeys(t, lines, path, table)
		}
	}
}
