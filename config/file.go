package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/BurntSushi/toml"

	"chunkcp/internal/secure"
	"chunkcp/peer"
)

const (
	// MaxPeers and MaxSessions are what a fetch takes.
	MaxPeers    = peer.MaxPeers
	MaxSessions = peer.MaxSessions

	// MaxAllowed is the most clients that a server's list may name (arbitrary: as
	// many as it has sessions at once).
	MaxAllowed = 10_000

	// maxFile bounds a config file, in bytes. Arbitrary: MaxPeers of them with
	// the longest names and keys take less than half, and so do MaxAllowed keys.
	maxFile = 1 << 20
)

// File is what a config file says.
type File struct {
	Path  string
	Peers []Peer // in the order of the file, no two with the same Addr
	Serve Serve
	Fetch Fetch
}

// Serve is for the server.
type Serve struct {
	Listen string // HOST:PORT or :PORT; "" if not given
	Root   string // the directory to serve; "" if not given

	// PSKFile is the path of the file with the pre-shared key that clients must
	// have; "" if they need none.
	PSKFile string

	Allow []secure.PublicKey // the clients that are served, no two the same; nil: all are
}

// Fetch is for the client.
type Fetch struct {
	Sessions int           // 1 to MaxSessions; 0 if not given
	Timeout  time.Duration // above 0; 0 if not given
}

// Load reads and parses the file at path, whoever's it is.
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, readError(path, err)
	}
	defer f.Close()
	return load(f)
}

func load(f *os.File) (*File, error) {
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, readError(f.Name(), err)
	}
	return Parse(f.Name(), data)
}

// readError is about a file that cannot be read; the path is said once.
func readError(path string, err error) error {
	return &Error{Path: path, Err: fmt.Errorf("cannot read the config file: %w", reason(err))}
}

// Parse parses data, the content of the file called name.
func Parse(name string, data []byte) (*File, error) {
	if len(data) > maxFile {
		return nil, &Error{Path: name, Err: fmt.Errorf("more than %d bytes: this is no config file", maxFile)}
	}
	lines, err := locate(string(data))
	if err != nil {
		err.Path = name
		return nil, err
	}
	var document map[string]any
	if err := toml.Unmarshal(data, &document); err != nil {
		return nil, syntaxError(name, err)
	}
	d := decoder{path: name, lines: lines}
	file := d.file(document)
	if len(d.errs) > 0 {
		return nil, errors.Join(byLine(d.errs)...)
	}
	return file, nil
}

// syntaxError is about a file that is not TOML, in the library's words.
func syntaxError(name string, err error) error {
	var syntax toml.ParseError
	if !errors.As(err, &syntax) {
		return &Error{Path: name, Err: err}
	}
	// The text may quote any character of the file.
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, syntax.Message)
	text = strings.ReplaceAll(text, `'\n'`, "the end of the line")
	if strings.Contains(text, `'\`) {
		text += `: write \\ for a backslash, or the whole text in 'single quotes'`
	}
	// At the end of the file the library counts one line too few.
	return &Error{Path: name, Line: max(1, syntax.Position.Line), Err: errors.New(text)}
}
