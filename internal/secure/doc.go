// Package secure makes and keeps the secrets of a session: who the two sides
// are, how they agree on keys, and how each datagram is sealed with them.
//
// # Handshake
//
// Noise_XX_25519_AESGCM_SHA256, or Noise_XXpsk0_25519_AESGCM_SHA256 where a
// pre-shared key is given. Three messages, each with a payload:
//
//	initiator                       responder
//	WriteMessage  -- e            -> ReadMessage
//	ReadMessage   <- e, ee, s, es -- WriteMessage
//	(decide on PeerKey)
//	WriteMessage  -- s, se        -> ReadMessage, (decide on PeerKey)
//	Keys                             Keys
//
// The payload of message 1 can be read by anyone (by anyone with the
// pre-shared key, where there is one) and replayed; that of message 2 can be
// read by whoever sent message 1; that of message 3 only by the owner of the
// key that the initiator decided on.
//
// A message that is not the peer's leaves a Handshake as it was: the genuine
// one can still be read. Message 1 is the exception; a responder drops the
// Handshake, which holds nothing yet. So is a message 2 that an attacker who
// saw message 1 made with a key of its own: it is valid, and what tells the
// attacker from the peer is PeerKey. Again gives a Handshake that can read the
// peer's own message 2 after it.
//
// # Hybrid
//
// Noise's X25519 keys are those of phase 0, which carries one exchange of
// ML-KEM-768 (FIPS 203) and nothing else: the initiator's encapsulation key, the
// responder's ciphertext. The secrets of phase 1 are, for each direction,
//
//	prk  = HKDF-Extract(salt: secret of phase 0, IKM: ML-KEM's shared secret)
//	next = Expand(prk, "chunkcp pq" || SHA-256(Binding || key || ciphertext), 32)
//
// so that who records a session must break both. Who the two sides are rests on
// X25519 alone: an attacker must break it while the handshake runs.
//
// # Datagrams
//
// AES-256-GCM, 16 bytes longer than the plaintext (Overhead), with the
// datagram's header as additional data. From each directional secret come, by
// HKDF-Expand with SHA-256 (RFC 5869):
//
//	key  = Expand(secret, "chunkcp key", 32)
//	iv   = Expand(secret, "chunkcp iv", 12)
//	next = Expand(secret, "chunkcp ku", 32)   the secret of the next phase
//
// The nonce is iv XOR the packet number, big-endian and padded on the left
// (RFC 9001 section 5.3). The header must tell the packet number, if only by its low
// bits, and carry the phase, 4 bits that count key updates. A Sealer updates
// by itself long before its key wears out, once the peer has opened a datagram of the
// present phase; an Opener follows when it meets the new phase.
//
// No nonce is used twice. Within a session the packet number grows with every
// datagram, over updates too, and Seal panics when it does not. Over sessions the
// secrets differ: both sides add an ephemeral key from crypto/rand to each
// handshake, so that they do however often one side is restarted, restored from a
// snapshot, or replays what it sent; neither secrets nor numbers are ever stored.
//
// # Contract
//
// Everything here but LoadIdentity, LoadPSK and KnownPeers is sans-IO: no clock, no
// goroutine, no lock. A Handshake, Sealer or Opener belongs to one goroutine.
// KnownPeers may be used by any number of goroutines and processes.
// Nothing here logs, and no error and no String shows a secret.
//
// # Known limitations
//
//   - A peer may update as often as its datagrams are answered; each costs an
//     Opener a key schedule, some microseconds.
//   - What goes with message 3 (names of files) is sealed with X25519 only.
//   - The previous phase's key is kept until the next update, so that a
//     datagram however late can be opened. Its secret is gone.
//   - An initiator that Again returned has the ephemeral key until it is dropped,
//     though the handshake that it stands in for may be done.
//   - Secrets are left to the garbage collector, not overwritten.
//   - Message 1 under a pre-shared key can be recorded and sent again: it is answered anew, to no use.
//   - A symbolic link in place of an identity or known_peers file is replaced
//     by a file when it is written.
//   - Permissions are checked on unix only. Processes are kept from losing each
//     other's lines in known_peers on Linux, macOS, the BSDs and Windows only.
package secure
