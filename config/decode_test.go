package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"chunkcp/internal/secure"
)

// The text of an error is what the user has: each is here in full.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"syntax", "[serve]\nroot = \"/srv\n", []string{
			`c.toml:2: strings cannot contain newlines`,
		}},
		{"Windows path", "[serve]\nlisten = ':1'\nroot = \"C:\\Users\"\n", []string{
			`c.toml:3: expected eight hexadecimal digits after '\U', but got "C:\\Us" instead: write \\ for a backslash, or the whole text in 'single quotes'`,
		}},
		{"a word", "[serve]\nbogus\n", []string{`c.toml:2: expected '.' or '=', but got the end of the line instead`}},
		{"broken off", "\"\\", []string{
			`c.toml:1: invalid escape in string '\?': write \\ for a backslash, or the whole text in 'single quotes'`,
		}},
		{"key twice", "[serve]\nroot = '/a'\nroot = '/b'\n", []string{
			`c.toml:3: Key 'serve.root' has already been defined.`,
		}},
		{"not UTF-8", "# \xff\n", []string{`c.toml:1: invalid UTF-8 byte: 0xff`}},
		{"unknown table", "# peers\n[peers]\naddr = 'a'\n", []string{
			`c.toml:2: unknown key "peers": the file takes [[peer]], [serve], [fetch]`,
		}},
		{"unknown keys", "[serve]\nport = 1\n[fetch]\nSessions = 1\n[[peer]]\naddr = 'a'\nname = 'b'\n", []string{
			`c.toml:2: unknown key "port": [serve] takes listen, root, psk_file, allow`,
			`c.toml:4: unknown key "Sessions": [fetch] takes sessions, timeout`,
			`c.toml:7: unknown key "name": [[peer]] takes addr, key, psk_file`,
		}},
		{"one bracket", "[peer]\naddr = 'a'\n", []string{
			`c.toml:1: peer is a table: write [[peer]] above the addr of each server`,
		}},
		{"two brackets", "\n[[serve]]\n\n[[fetch]]\n", []string{
			`c.toml:2: serve is an array of tables: write [serve]`,
			`c.toml:4: fetch is an array of tables: write [fetch]`,
		}},
		{"tables that are none", "peer = ['a']\nserve = 1\nfetch = 'x'\n", []string{
			`c.toml:1: peer is an array: write [[peer]] above the addr of each server`,
			`c.toml:2: serve is an integer: write [serve]`,
			`c.toml:3: fetch is a string: write [fetch]`,
		}},
		{"types", "[[peer]]\naddr = 7440\nkey = []\n[serve]\nlisten = 7440\nroot = true\n[fetch]\nsessions = '8'\ntimeout = 30\n", []string{
			`c.toml:2: addr is an integer: write a string, such as "10.0.0.7:7440"`,
			`c.toml:3: key is an array: write a string, such as "KEY"`,
			`c.toml:5: listen is an integer: write a string, such as ":7440"`,
			`c.toml:6: root is true or false: write a string, such as "/srv/files"`,
			`c.toml:8: sessions is a string: write a number, such as 8`,
			`c.toml:9: timeout is an integer: write a string, such as "30s"`,
		}},
		{"more types", "[fetch]\nsessions = 1.5\ntimeout = 10:30:00\n", []string{
			`c.toml:2: sessions is a number with a fraction: write a number, such as 8`,
			`c.toml:3: timeout is a date or time: write a string, such as "30s"`,
		}},
		{"peers", "[[peer]]\n[[peer]]\naddr = 'a:0'\nkey = 'short'\n[[peer]]\naddr = 'a#KEY'\n", []string{
			`c.toml:1: [[peer]] has no addr: write addr = "10.0.0.7:7440"`,
			`c.toml:3: addr "a:0": port 0 is no port: write 1 to 65535, or only the host for the default`,
			`c.toml:4: public key "short" is malformed: want 44 characters of base64, as chunkcp prints keys`,
			`c.toml:6: addr "a#KEY": a key goes on a line of its own: write key = "..."`,
		}},
		{"same peer", "[[peer]]\naddr = 'Mirror'\n\n[[peer]]\naddr = 'b'\n\n[[peer]]\naddr = 'mirror:7440'\n", []string{
			`c.toml:8: peer mirror:7440 is there already, on line 2: remove one of them`,
		}},
		{"same IPv6 peer", "peer = [{addr = '[::1]'},\n{addr = '[0:0::1]:7440'}]\n", []string{
			`c.toml:2: peer [::1]:7440 is there already, on line 1: remove one of them`,
		}},
		{"serve", "[serve]\nlisten = ':0'\nroot = ''\n", []string{
			`c.toml:2: listen ":0": port 0 is another one at each start, which no client knows: write 1 to 65535`,
			`c.toml:3: root "" is no directory: write a path, such as "/srv/files"`,
		}},
		{"home", "[serve]\nroot = '~/files'\nlisten = ''\n", []string{
			`c.toml:2: root "~/files": only a shell knows ~: write the path in full`,
			`c.toml:3: listen "": it is empty: write HOST:7440`,
		}},
		{"secrets", "[serve]\npsk_file = '~/psk'\n[[peer]]\naddr = 'a'\npsk_file = 1\n[[peer]]\naddr = 'b'\npsk_file = ''\n", []string{
			`c.toml:2: psk_file "~/psk": only a shell knows ~: write the path in full`,
			`c.toml:5: psk_file is an integer: write a string, such as "/etc/chunkcp/psk"`,
			`c.toml:8: psk_file "" is no file: write a path, such as "/etc/chunkcp/psk"`,
		}},
		{"nobody allowed", "[serve]\nallow = []\n", []string{
			`c.toml:2: allow is empty, which would serve nobody: name the clients' keys, or leave the line out to serve everybody`,
		}},
		{"allow of no list", "[serve]\nallow = 'KEY'\n", []string{
			`c.toml:2: allow is a string: write the keys of the clients to serve, such as ["KEY", "KEY"]`,
		}},
		{"allowed", "[serve]\nallow = ['" + keyText + "', 'short', 7,\n'" + keyText + "']\n", []string{
			`c.toml:2: key 2 of allow: public key "short" is malformed: want 44 characters of base64, as chunkcp prints keys`,
			`c.toml:2: key 3 of allow is an integer: write a string, such as "KEY"`,
			`c.toml:2: key 4 of allow, ` + keyText + `, is there already: remove one of them`,
		}},
		{"fetch", "[fetch]\nsessions = 0\ntimeout = '0s'\n", []string{
			`c.toml:2: sessions 0: write 1 to 256, or leave the line out`,
			`c.toml:3: timeout "0s": write a time above 0 and its unit, such as "30s"`,
		}},
		{"fetch again", "[fetch]\nsessions = 1025\ntimeout = '30'\n", []string{
			`c.toml:2: sessions 1025: write 1 to 256, or leave the line out`,
			`c.toml:3: timeout "30": write a time above 0 and its unit, such as "30s"`,
		}},
		{"past a long string", "[serve]\nroot = \"\"\"\\\n  /srv\"\"\"\nlisten = '''\n:x'''\n", []string{
			"c.toml:4: listen \":x\": port \"x\" is no port: write 1 to 65535",
		}},
		{"depth", "[serve]\na.b.c.d = 1\n", []string{
			`c.toml:2: tables within tables, more than 4 deep: this format needs only 2`,
		}},
		{"depth of arrays", "\n\na = [[[[[1]]]]]\n", []string{
			`c.toml:3: tables within tables, more than 4 deep: this format needs only 2`,
		}},
		{"long key", "[serve]\n" + strings.Repeat("k", 65) + " = 1\n", []string{
			`c.toml:2: a key of more than 64 characters: there is none so long`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, err := Parse("c.toml", []byte(c.text))
			if err == nil {
				t.Fatalf("no error; got %+v", file)
			}
			if want := strings.Join(c.want, "\n"); err.Error() != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
			var configErr *Error
			if file != nil || !errors.As(err, &configErr) {
				t.Errorf("Parse = %v, %T; want no file and an *Error", file, err)
			}
		})
	}
}

func TestMostPeers(t *testing.T) {
	var b strings.Builder
	for i := range MaxPeers {
		fmt.Fprintf(&b, "[[peer]]\naddr = \"peer%d\"\n", i)
	}
	file, err := Parse("c.toml", []byte(b.String()))
	if err != nil || len(file.Peers) != MaxPeers {
		t.Fatalf("%d peers: %v", MaxPeers, err)
	}
	b.WriteString("[[peer]]\naddr = \"last\"\n")
	_, err = Parse("c.toml", []byte(b.String()))
	if want := "c.toml:2049: 1025 peers are too many: keep at most 1024"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestMostAllowed(t *testing.T) {
	list := func(n int) string {
		var b strings.Builder
		b.WriteString("[serve]\nallow = [\n")
		for i := range n {
			fmt.Fprintf(&b, "%q,\n", secure.PublicKey{byte(i), byte(i >> 8)})
		}
		return b.String() + "]\n"
	}
	file, err := Parse("c.toml", []byte(list(MaxAllowed)))
	if err != nil || len(file.Serve.Allow) != MaxAllowed {
		t.Fatalf("%d keys: %v", MaxAllowed, err)
	}
	_, err = Parse("c.toml", []byte(list(MaxAllowed+1)))
	if want := "c.toml:2: allow has 10001 keys: keep at most 10000"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}
