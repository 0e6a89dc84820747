package config

import (
	"errors"
	"path/filepath"
	"strings"

	"chunkcp/internal/secure"
)

func (d *decoder) serve(table map[string]any) Serve {
	d.keys(table, "serve", "[serve]", "listen", "root", "psk_file", "allow")
	s := Serve{
		Root:    d.filePath(table, "serve", "root", "/srv/files", "directory"),
		PSKFile: d.pskFile(table, "serve"),
		Allow:   d.allow(table["allow"]),
	}
	if text, ok := d.text(table, "serve", "listen", ":7440"); ok {
		addr, port, err := parseListen(text)
		if err == nil && port == 0 {
			err = errors.New("port 0 is another one at each start, which no client knows: write 1 to 65535")
		}
		if err != nil {
			d.fail("serve.listen", "listen %.80q: %w", text, err)
		}
		s.Listen = addr
	}
	return s
}

// pskFile returns where a pre-shared key is. The file is read by who needs the
// key: it may be of no use to a command that was given this config file.
func (d *decoder) pskFile(table map[string]any, at string) string {
	return d.filePath(table, at, "psk_file", "/etc/chunkcp/psk", "file")
}

// filePath returns a path, "" if there is none. A relative one starts at the
// config file's directory.
func (d *decoder) filePath(table map[string]any, at, key, example, what string) string {
	text, ok := d.text(table, at, key, example)
	switch {
	case !ok:
	case text == "" || strings.ContainsRune(text, 0):
		d.fail(join(at, key), "%s %.80q is no %s: write a path, such as %q", key, text, what, example)
	case text == "~" || strings.HasPrefix(text, "~/"):
		d.fail(join(at, key), "%s %.80q: only a shell knows ~: write the path in full", key, text)
	case filepath.IsAbs(text):
		return filepath.Clean(text)
	default:
		return filepath.Join(filepath.Dir(d.path), text)
	}
	return ""
}

// allow returns the keys of the clients to serve, nil if all are.
func (d *decoder) allow(value any) []secure.PublicKey {
	const at = "serve.allow"
	if value == nil {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		d.fail(at, "allow is %s: write the keys of the clients to serve, such as [\"KEY\", \"KEY\"]", kind(value))
		return nil
	}
	if len(list) == 0 {
		d.fail(at, "allow is empty, which would serve nobody: name the clients' keys, or leave the line out to serve everybody")
		return nil
	}
	if len(list) > MaxAllowed {
		d.fail(at, "allow has %d keys: keep at most %d", len(list), MaxAllowed)
		return nil
	}
	keys := make([]secure.PublicKey, 0, len(list))
	seen := map[secure.PublicKey]bool{}
	for i, value := range list {
		text, ok := value.(string)
		if !ok {
			d.fail(at, "key %d of allow is %s: write a string, such as \"KEY\"", i+1, kind(value))
			continue
		}
		key, err := secure.ParsePublicKey(text)
		switch {
		case err != nil:
			d.fail(at, "key %d of allow: %w", i+1, err)
		case seen[key]:
			d.fail(at, "key %d of allow, %v, is there already: remove one of them", i+1, key)
		}
		seen[key] = true
		keys = append(keys, key)
	}
	return keys
}
