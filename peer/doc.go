// Package peer is who talks to whom: Serve answers for the files of a directory,
// Run fetches one from all peers that have it.
//
// # A session
//
// A session is one socket of the client joined to one peer by a handshake
// (handshake.go on the client's side, halfopen.go on the server's), and what
// both sides have in common (session.go): sealed datagrams in, sealed datagrams
// out, an arq.Sender and an arq.Receiver between them. One goroutine owns it.
// Which bytes are wanted and what they are for is the party's business:
// clientSession or serverSession. On a long fast path a client lets datagrams gather
// for a millisecond before it reads them (gather.go). The sessions of one fetch with one
// server share a congestion controller (coupling.go), which begins with half of what the
// client's last fetch had (knownpaths.go).
//
// Nothing of a file is sent before ML-KEM-768 has been mixed into the keys
// (hybrid.go). What a session begins with may be lost: the client sends its third
// message and its requests twice, and keeps a first window of what comes before the keys
// or the file's size are known (toosoon.go). A server follows a client whose address
// changes, once that has proven to be the client's (pathcheck.go, move.go); a client
// whose socket has lost its address takes another (redial.go).
//
// # Who a server is
//
// Whoever sees a Hello can answer it. An answer with another key than the one that
// is expected is not believed, and the right one is waited for (handshake.go). A new
// key is remembered once its owner has proven to have it, and forgotten if another
// answer shows a second one (contact.go).
//
// # A server
//
// One goroutine reads each socket; it hands sealed datagrams to their sessions
// through bounded inboxes (inbox.go). A full inbox drops, and is counted: the reader
// never waits for a session. What waits in all sessions is bounded too (commons.go).
// A panic ends the session that it is in, or the hashing of a file, and no other
// (crashes.go). A session reads its files as it
// sends: the file is the retransmission buffer.
//
// Files are hashed in the background while they are served (hashing.go), by turns
// of those who ask (hashqueue.go), and what comes to be known is told to them
// (treefeed.go).
//
// # Strangers
//
// A Hello costs its sender at least as many bytes as it brings about. What it may
// cost the server is decided by the reader (admission.go): under load nothing is
// kept of a Hello that does not show a cookie (cookie.go), and no address gets more
// than its share of the half-open handshakes (halfopen.go) or of the sessions
// (quota.go, eviction.go). X25519 is computed by a few workers (handshakework.go), outside all
// locks, from queues that drop when they are full. With a pre-shared key only who
// has it is answered at all, and with a list of keys only those get a session.
//
// # A fetch
//
// Each peer has a goroutine that keeps a session with it (peerstate.go); further
// sessions are spread over the live peers (sessions.go). The first sessions of the
// first peers ask for some bytes in their handshakes, each for its own, which the
// others leave to them for a while (early.go). A session asks the
// assigner for ranges (leases.go), collects their bytes in pieces of a mebibyte,
// or parts of some that sessions share at the end (parts.go), and hands complete
// ones to the writers (delivery.go), whose work it does itself
// where bytes come fast and the disk is quick. They hash a piece, hold it against
// the hashes that one peer, the lead, tells (lead.go, manifest.go), and bring it
// to its destination. Which file it is, where peers differ, the agreement
// decides (agreement.go, verification.go), and with a pinned hash what is shown
// (proof.go); the fetch ends when the hashes of what is here make that file's root.
// What all pieces take is bounded, and so is, by the credit that sessions give, what
// is in flight. A peer that is silent with work outstanding loses it to the others
// at once. What one goroutine wants of another's session is an order, which that
// obeys (orders.go).
//
// The destination is a part file that can be resumed (filedestination.go,
// recall.go) or a stream in order (streamdestination.go).
//
// # Known limitations
//
// A client whose address changes before the keys are mixed opens another session.
// Who is faster than the path, both ways, can have a session go through him, as long
// as he is. Whoever has a thousand addresses of its own can keep the workers busy
// with handshakes that it completes; half of the cores are left to sessions. A
// recorded Hello is answered anew, even under a pre-shared key. Who tells another
// size than a liar, or differs from one that leads, may get no work before it has
// hashed its file. Of a piece that is not complete what lies behind a gap is lost with
// its session. An output that blocks is not waited for at the end, and its goroutine is left.
package peer
