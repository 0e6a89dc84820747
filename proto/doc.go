// Package proto turns chunkcp's messages into bytes and back. It holds no
// state and does no I/O; this comment is the specification of the wire format.
//
// # Conventions
//
// Integers are big-endian and unsigned. Ranges are half-open. Every datagram is
// one of the kinds below and fills its UDP payload to the end. A parser takes a
// message only if encoding what it parsed gives the same bytes again; the one
// exception is a Hello of another version, of which it reads the first 15 bytes.
// What it allocates is bounded by the length of its input, never by a length or
// a count that the input claims.
//
// # Datagrams
//
// The first byte is the kind. A kind has a direction: a server ignores what
// only a server sends, a client what only a client sends, so that no two
// programs can be made to answer each other for ever.
//
//	kind  name          direction         sealed
//	0x01  Hello         client -> server  no
//	0x02  HelloReply    server -> client  Noise message 2
//	0x03  Finish        client -> server  Noise message 3
//	0x04  Retry         server -> client  no, a hint only
//	0x05  Versions      server -> client  no, a hint only
//	0x20  ClientSealed  client -> server  AES-256-GCM; to 0x2f, by the key's phase
//	0x30  ServerSealed  server -> client  AES-256-GCM; to 0x3f
//
// Hello, at least 1,200 bytes long, so that no reply to an address that has not
// proven itself is larger than what it answers:
//
//	0   kind     1
//	1   magic    4   "ckcp"
//	5   version  2
//	7   hello    8   random; names this attempt
//	15  cookie   1+n length (0 to 64), then the cookie of a Retry
//	    noise    2+n length, then Noise message 1
//	    padding      zero bytes up to a length of 1,200, none in a longer Hello
//
// HelloReply:
//
//	0   kind     1
//	1   version  2   the one of the Hello
//	3   hello    8   the one of the Hello
//	11  noise        Noise message 2 to the end; its payload is a Welcome
//
// Finish:
//
//	0   kind     1
//	1   session  6   the id that the Welcome gave
//	7   noise        Noise message 3 to the end; its payload is a Welcome, then
//	                 whole control messages: the first requests,
//	                 which are no part of the control stream
//
// Retry answers a Hello without a valid cookie while the server is under load. The
// server keeps nothing of that Hello; the client sends it again, the same but for the
// cookie, from the same address:
//
//	0   kind     1
//	1   hello    8   the one of the Hello
//	9   cookie       to the end, 1 to 64 bytes that only the server understands
//
// A cookie that is not valid counts as none. A client takes a few cookies in one
// attempt and no more: a Retry is not authentic.
//
// Versions answers a Hello of a version that the server does not speak:
//
//	0   kind     1
//	1   hello    8
//	9   versions 2 each, 1 to 16 of them
//
// A Welcome carries what each side needs to know of the other before the first
// acknowledgement:
//
//	0   session  6   random, not 0; from a client it names its fetch: sessions of
//	                 one fetch share a path, and congestion control
//	6   credit   4   bytes that the writer of this Welcome takes in flight
//	10  maximum  2   the longest UDP payload it takes
//	12  rtt      4   microseconds that it has measured of the round trip, 0 if none
//
// The Noise prologue is magic, version and hello, as the Hello has them. The
// cookie is no part of it: a Hello repeated with one carries the same message 1.
// Where both sides have a pre-shared key the handshake is XXpsk0, and a server
// answers nothing whatever, no Retry and no Versions, to a Hello whose message 1 is
// not made with it.
//
// ClientSealed and ServerSealed:
//
//	0   kind     1   its low 4 bits are the phase, which counts key updates of this
//	                 direction, modulo 16
//	1   session  6
//	7   number   3   low 24 bits of the packet number, which grows with every
//	                 datagram of a direction; some are skipped
//	10  frames       sealed; the 10 bytes before them are additional data
//	    tag      16
//
// The keys of a direction come from its half of Noise's Split, the secret of
// phase 0: HKDF-Expand with SHA-256 (RFC 5869) gives with info "chunkcp key" the
// AES-256-GCM key, with "chunkcp iv" 12 bytes, with "chunkcp ku" the secret of the
// next phase but for phase 1. The nonce is those 12 bytes, the last 8 of them xored
// with the packet number (RFC 9001, section 5.3). A receiver takes the one with these
// low bits that is nearest to the one after the highest that it has opened (RFC 9000,
// appendix A.3).
//
// Phase 0 carries a KEM key from the client, a KEM text from the server, and, if it
// comes to that, a close; nothing else, and no other phase carries these two. The
// client sends its key right behind the Finish, and both again until it has the
// text; the server answers each with the same datagram, and sends that with what it
// repeats until the client is heard in phase 1. The secrets of phase 1 are
//
//	HKDF-Expand(HKDF-Extract(secret of phase 0, shared secret of ML-KEM-768),
//		"chunkcp pq", SHA-256(handshake hash of Noise, KEM key, KEM text))
//
// with the salt first, and the label and the hash one info. A side sends in phase 1
// as soon as it has them, the server right behind its text. What comes before its
// keys cannot be opened, and a client keeps some of it until it can. A side updates to a
// later phase once an acknowledgement named a datagram of its present one.
//
// # Frames
//
// What is sealed is a sequence of frames, each led by its type.
//
//	0x00  padding  one byte
//	0x01  ack
//	0x03  close
//	0x04  MTU probe
//	0x05  MTU reply
//	0x06  KEM key        client -> server
//	0x07  KEM text       server -> client
//	0x08  path challenge server -> client
//	0x09  path response  client -> server
//	0x40  segment        to 0x7f, by its index; the last of its datagram: its payload
//	                     reaches to the end
//	0x80 and above: extensions, a type and a 2-byte length, then that many
//	      bytes. A receiver skips those that it does not know.
//
// A segment is one datagram's worth of bytes of one burst. It can be placed
// without any other datagram's help:
//
//	0   type     1   its low 6 bits are the index of this segment in its burst, 0 to
//	                 count-1
//	1   count    1   segments in the burst, less one, 0 to 63; bit 7 set: it was sent
//	                 before; bit 6 is clear
//	2   channel  12 bits: below 4,096; 0 if the request is 0, and only then
//	    burst    12 bits: counts the bursts of this channel, modulo 4,096; which of
//	                 two is the newer is told by their packet numbers
//	5   request  4   what the bytes belong to; 0 is the control stream
//	9   offset   4   low 32 bits of where the first byte is, in the file or the control
//	                 stream. It is within the Get, which has 2^32 bytes at most, or
//	                 within 2^31 bytes of where the control stream has come to
//	13  payload      at least one byte
//
// An ack says what has arrived. Its entries are the channels whose state
// changed lately, the latest first: an acknowledgement that is lost costs
// nothing, since the next one repeats it.
//
//	0   type     1
//	1   count    1   entries
//	2   latest   8   packet number of the segment that arrived last
//	10  delay    4   microseconds from its arrival to the sending of this ack
//	14  repeats  4   segments so far that had arrived already, in another datagram
//	18  credit   4   bytes that this receiver takes in flight
//	22  entries
//
// An entry is 4 bytes for a burst that has arrived whole, 12 for another:
//
//	0   channel  2   bit 15 set: all segments of the burst have arrived
//	2   burst    2   below 4,096
//	4   bitmap   8   bit i set: segment i has arrived (only if bit 15 is clear)
//
// Close ends the session at once and is not answered:
//
//	0   type     1
//	1   code     2   CloseCode
//	3   reason   1+n length (0 to 255), then text in UTF-8
//
// An MTU probe is followed by padding that makes its datagram as long as it
// says; a datagram has one at most. It is answered, at once and once, by an MTU
// reply, which is not:
//
//	0   type     1
//	1   size     2   of the probe's datagram, bytes of UDP payload
//
// A KEM key is the client's encapsulation key of ML-KEM-768 (FIPS 203), a KEM text
// the server's ciphertext for it:
//
//	0   type     1
//	1   key      1184    or   text  1088
//
// A path challenge goes to an address that a client seems to have moved to. The
// client answers each, from where it is, with a path response of the same data. The
// server answers to that address once the response has come from there:
//
//	0   type     1
//	1   data     8   random
//
// # Control messages
//
// Each direction has one control stream: an ordered stream of bytes that
// travels as segments of request 0. It carries messages:
//
//	0   type     1
//	1   length   2   of the body, at most 4,100
//	3   body
//
//	0x01  Open     client   id 4, name n         which file id shall mean
//	0x02  Get      client   id 4, file 4, start 8, end 8: 2^32 bytes at most
//	0x03  Cancel   client   id 4                 send no more of that Get
//	0x04  Ping     client   nothing              its acknowledgement is the answer
//	0x05  Drop     client   id 4, start 8, end 8 send no more of these bytes of that Get,
//	                                             as far as the server cares to remember
//	0x06  Tree     client   file 4, first 8, end 8  tell the root, and the hashes of
//	                                             these pieces
//	0x07  Pace     client   manner 1 (0 fair, 1 background), bytes per second 8:
//	                                             how to send; 2^63-1 is no limit
//	0x41  Opened   server   id 4, size 8, version 16
//	0x42  Failed   server   id 4, code 2, reason n (0 to 255)
//	0x43  Hashes   server   file 4, first 8, then 32 for each piece (1 to 127 of them)
//	0x44  Root     server   file 4, root 32
//	0x80 and above: extensions; a receiver skips those that it does not know
//
// The client numbers its Opens and Gets from 1 in one space, each id used once
// in a session; it may send a Get for a file whose Opened has not come yet. What
// of a Get lies past the end of the file is not sent, and not complained of. The
// answer to a Get is its bytes, as segments whose request is its id, in any
// order. The answer to a Tree are Hashes and a Root, as the server comes to know
// them; the root once for each Open, the hash of a piece once for each Tree, in
// any order. A piece is 1 MiB of the file, an aligned subtree of its BLAKE3 tree,
// and its hash that subtree's chaining value; the last piece may be shorter, and the hash of
// a file's only piece is the root. An Opened's version names one state of one file of this server: two
// that are equal stand for the same bytes.
//
// # Versions
//
// Version is 3. A change that a receiver of this version would misread takes a new
// version; what it can skip is an extension frame or message and does not.
// Hello keeps its first 15 bytes and its least length in every version,
// Versions its whole layout.
//
// # Known limitations
//
// A parser judges each message alone: names and reasons are any bytes (to be
// checked, or quoted, before use), a message is not held to its direction, and
// nothing forbids an ack to name a channel twice. A Hello that was recorded can
// be sent again, by anybody and from any address, and is answered anew.
package proto
