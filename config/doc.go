// Package config is the config file as the user sees it: where it is looked
// for, what it may say, and what is wrong with it.
//
//	[[peer]]                    # one for each server, at most MaxPeers
//	addr = "10.0.0.7:7440"      # HOST or HOST:PORT, IPv6 in brackets; DefaultPort if not given
//	key  = "BASE64"             # optional: the only key this server may show
//	psk_file = "psk"            # optional: the pre-shared key that this server asks for
//
//	[serve]
//	listen = ":7440"            # optional
//	root   = "/srv/files"       # optional; relative to the config file's directory
//	psk_file = "psk"            # optional: who does not have this key gets no answer at all
//	allow  = ["BASE64"]         # optional: the clients to serve; never empty, at most MaxAllowed
//
// A psk_file is relative to the config file's directory too, and is not read here.
//
//	[fetch]
//	sessions = 8                # optional
//	timeout  = "30s"            # optional
//
// The contract:
//
//   - Strict: an unknown key or a value that cannot be meant is an error, never
//     ignored or corrected. A key that is absent leaves its field zero.
//   - Parse reports everything it finds, in the order of the lines. Only a file
//     that is not TOML ends at its first error.
//   - Every error of the package is an *Error or an errors.Join of them. Its
//     text says where the fault is and what to write instead.
//   - A file that the user has not named is read only if nobody but the user and
//     root can have written it (found.go).
//   - Addresses come out in one spelling: addresses of hosts as netip prints
//     them, names in lower case, always with a port.
//
// Known limitations:
//
//   - Names are not looked up: two names of one server count as two peers.
//   - An archive's chunkcp.toml is its unpacker's own file.
//   - A name in letters beyond ASCII has to be written in its xn-- form.
package config
