package proto

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"chunkcp/internal/rangeset"
)

func messageVectors() []vector {
	return []vector{
		{
			name: "Open",
			msg:  &Open{ID: 0x01020304, Name: "a/b"},
			wire: "01" + // type
				"0007" + // length
				"01020304" + // id
				"612f62", // name
		},
		{
			name: "Open of the longest name",
			msg:  &Open{ID: 1, Name: strings.Repeat("n", 4096)},
			wire: "01" + "1004" + "00000001" + strings.Repeat("6e", 4096),
		},
		{
			name: "Get",
			msg:  &Get{ID: 2, File: 1, Range: rangeset.Range{Start: 0x0102030405060708, End: 0x0102030415161718}},
			wire: "02" + "0018" +
				"00000002" + // id
				"00000001" + // file
				"0102030405060708" + // start
				"0102030415161718", // end
		},
		{
			name: "Get of 4 GiB",
			msg:  &Get{ID: 2, File: 1, Range: rangeset.Range{Start: 1, End: 1<<32 + 1}},
			wire: "02" + "0018" + "00000002" + "00000001" + "0000000000000001" + "0000000100000001",
		},
		{
			name: "Get of the last byte there can be",
			msg:  &Get{ID: math.MaxUint32, File: 1, Range: rangeset.Range{Start: math.MaxInt64 - 1, End: math.MaxInt64}},
			wire: "02" + "0018" + "ffffffff" + "00000001" + "7ffffffffffffffe" + "7fffffffffffffff",
		},
		{
			name: "Cancel",
			msg:  &Cancel{ID: 2},
			wire: "03" + "0004" + "00000002", // id
		},
		{
			name: "Ping",
			msg:  &Ping{},
			wire: "04" + "0000",
		},
		{
			name: "Drop",
			msg:  &Drop{ID: 2, Range: rangeset.Range{Start: 0x0102030405060708, End: 0x1112131415161718}},
			wire: "05" + "0014" +
				"00000002" + // id
				"0102030405060708" + // start
				"1112131415161718", // end
		},
		{
			name: "Tree",
			msg:  &Tree{File: 1, Pieces: rangeset.Range{Start: 3, End: 0x1112131415161718}},
			wire: "06" + "0014" +
				"00000001" + // file
				"0000000000000003" + // first
				"1112131415161718", // end
		},
		{
			name: "Tree for the root alone",
			msg:  &Tree{File: 1},
			wire: "06" + "0014" + "00000001" + strings.Repeat("00", 16),
		},
		{
			name: "Pace",
			msg:  &Pace{Manner: Background, BytesPerSec: 0x0102030405060708},
			wire: "07" + "0009" +
				"01" + // manner
				"0102030405060708", // bytes per second
		},
		{
			name: "Pace of no limit",
			msg:  &Pace{BytesPerSec: Unlimited},
			wire: "07" + "0009" + "00" + "7fffffffffffffff",
		},
		{
			name: "Hashes",
			msg:  &Hashes{File: 1, First: 7, Hashes: [][HashLen]byte{{0xaa}, {31: 0xbb}}},
			wire: "43" + "004c" +
				"00000001" + // file
				"0000000000000007" + // first
				"aa" + strings.Repeat("00", 31) +
				strings.Repeat("00", 31) + "bb",
		},
		{
			name: "Hashes, as many as there can be",
			msg:  &Hashes{File: 1, Hashes: make([][HashLen]byte, MaxHashes)},
			wire: "43" + "0fec" + "00000001" + strings.Repeat("00", 8+127*32),
		},
		{
			name: "Root",
			msg:  &Root{File: 1, Root: [HashLen]byte{0xaa, 31: 0xbb}},
			wire: "44" + "0024" + "00000001" + "aa" + strings.Repeat("00", 30) + "bb",
		},
		{
			name: "Opened",
			msg:  &Opened{ID: 1, Size: 0x0102030405060708, Version: FileVersion([]byte("sixteen bytes..."))},
			wire: "41" + "001c" +
				"00000001" + // id
				"0102030405060708" + // size
				"7369787465656e2062797465732e2e2e", // version
		},
		{
			name: "Opened of an empty file",
			msg:  &Opened{ID: 1},
			wire: "41" + "001c" + "00000001" + "0000000000000000" + strings.Repeat("00", 16),
		},
		{
			name: "Failed",
			msg:  &Failed{ID: 1, Code: FailNotFound, Reason: "gone"},
			wire: "42" + "000a" +
				"00000001" + // id
				"0001" + // code
				"676f6e65", // reason
		},
		{
			name: "Failed for an unknown code, with the longest reason",
			msg:  &Failed{ID: 1, Code: 0xfedc, Reason: strings.Repeat("x", 255)},
			wire: "42" + "0105" + "00000001" + "fedc" + strings.Repeat("78", 255),
		},
	}
}

// parsed is what a stream of control messages was parsed into.
type parsed struct {
	messages []Message
	rest     []byte // of a message that is not whole yet
	err      error
}

// feed parses what p left and then b.
func (p *parsed) feed(b []byte) {
	for b = slices.Concat(p.rest, b); p.err == nil; {
		var m Message
		if m, p.rest, p.err = NextMessage(b); m == nil {
			return
		}
		p.messages = append(p.messages, m)
		b = p.rest
	}
}

func TestMessage(t *testing.T) {
	var stream []byte
	var want []Message
	for _, v := range messageVectors() {
		wire := v.bytes(t)
		if got := v.msg.Append([]byte("before")); string(got) != "before"+string(wire) {
			t.Errorf("%s encodes to\n%x, want\n%x after what was there before", v.name, got, wire)
		}
		m, rest, err := NextMessage(wire)
		if err != nil || len(rest) != 0 || !reflect.DeepEqual(m, v.msg) {
			t.Errorf("%s: parsed %+v, rest %x, %v; want %+v", v.name, m, rest, err, v.msg)
		}
		for n := range len(wire) {
			m, rest, err := NextMessage(wire[:n:n])
			if m != nil || err != nil || !bytes.Equal(rest, wire[:n]) {
				t.Errorf("%s: the first %d of %d bytes: %v, rest %x, %v; want none yet", v.name, n, len(wire), m, rest, err)
			}
		}
		stream, want = append(stream, wire...), append(want, v.msg)
	}

	var whole, bytewise parsed
	whole.feed(stream)
	for _, c := range stream {
		bytewise.feed([]byte{c})
	}
	for _, got := range []parsed{whole, bytewise} {
		if got.err != nil || len(got.rest) > 0 || !reflect.DeepEqual(got.messages, want) {
			t.Errorf("the stream of all of them: %d messages, rest %x, %v; want %d", len(got.messages), got.rest, got.err, len(want))
		}
	}
}

func TestMalformedMessage(t *testing.T) {
	vector := map[string][]byte{}
	for _, v := range messageVectors() {
		vector[v.name] = v.bytes(t)
	}
	open, get, cancel, opened, failed := vector["Open"], vector["Get"], vector["Cancel"], vector["Opened"], vector["Failed"]
	pace := vector["Pace"]
	drop, tree, hashes, root := vector["Drop"], vector["Tree"], vector["Hashes"], vector["Root"]
	end := get[19:]
	rows := []malformed{
		{"Open with a short body", []byte{1, 0, 3, 0, 0, 0}},
		{"Open called 0", with(open, 3, 0, 0, 0, 0)},
		{"Get called 0", with(get, 3, 0, 0, 0, 0)},
		{"Get of file 0", with(get, 7, 0, 0, 0, 0)},
		{"Get of an empty range", with(get, 11, end...)},
		{"Get of a reversed range", with(get, 11, 0x01, 0x02, 0x03, 0x04, 0x15, 0x16, 0x17, 0x19)},
		{"Get with its end above 2^63-1", with(get, 19, 0x80)},
		{"Get with its start above 2^63-1", with(get, 11, 0x80)},
		{"Get of a byte more than 4 GiB", with(get, 11, 0x01, 0x02, 0x03, 0x03, 0x15, 0x16, 0x17, 0x17)},
		{"Get with a short body", with(get, 2, 23)[:26]},
		{"Get with a long body", append(with(get, 2, 25), 0)},
		{"Cancel called 0", with(cancel, 3, 0, 0, 0, 0)},
		{"Cancel with a short body", with(cancel, 2, 3)[:6]},
		{"Cancel with a long body", append(with(cancel, 2, 5), 0)},
		{"Ping with a body", []byte{4, 0, 1, 0}},
		{"Drop called 0", with(drop, 3, 0, 0, 0, 0)},
		{"Drop of an empty range", with(drop, 7, drop[15:]...)},
		{"Drop with a long body", append(with(drop, 2, 21), 0)},
		{"Tree of file 0", with(tree, 3, 0, 0, 0, 0)},
		{"Tree of reversed pieces", with(tree, 15, 0, 0, 0, 0, 0, 0, 0, 2)},
		{"Pace in an unknown manner", with(pace, 3, 2)},
		{"Pace of no bytes", with(pace, 4, 0, 0, 0, 0, 0, 0, 0, 0)},
		{"Pace above 2^63-1", with(pace, 4, 0x80)},
		{"Pace with a short body", with(pace, 2, 8)[:11]},
		{"Hashes of file 0", with(hashes, 3, 0, 0, 0, 0)},
		{"Hashes with none", with(hashes, 2, 12)[:15]},
		{"Hashes with a part of one", with(hashes, 2, 75)[:78]},
		{"Hashes with a part of one behind another", with(hashes, 2, 45)[:48]},
		{"Root of file 0", with(root, 3, 0, 0, 0, 0)},
		{"Root with a short body", with(root, 2, 35)[:38]},
		{"Opened for 0", with(opened, 3, 0, 0, 0, 0)},
		{"Opened with a size above 2^63-1", with(opened, 7, 0x80)},
		{"Opened with a short body", with(opened, 2, 27)[:30]},
		{"Opened with a long body", append(with(opened, 2, 29), 0)},
		{"Failed for 0", with(failed, 3, 0, 0, 0, 0)},
		{"Failed with a short body", with(failed, 2, 5)[:8]},
		{"Failed with a reason of 256 bytes", slices.Concat([]byte{0x42, 1, 6}, failed[3:9], make([]byte, 256))},
		{"Open longer than MaxMessage", []byte{0x01, 0x10, 0x05}}, // told by its first 3 bytes
		{"extension longer than MaxMessage", []byte{0x80, 0x10, 0x05}},
		{"extension of 65535 bytes", []byte{0xff, 0xff, 0xff}},
	}
	for typ := range 0x80 {
		if !slices.Contains([]int{0x01, 0x02, 0x03, 0x04, 0x41, 0x42}, typ) {
			rows = append(rows, malformed{"unknown type below 0x80", []byte{byte(typ), 0, 0}})
		}
	}
	for _, row := range rows {
		for _, before := range [][]byte{nil, {0x80, 0, 0}} {
			m, _, err := NextMessage(slices.Concat(before, row.wire))
			if wantMalformed(t, err, "%s, after %x: %x", row.why, before, row.wire); m != nil {
				t.Errorf("%s: the error comes with %+v", row.why, m)
			}
		}
	}
}

func TestExtensionMessagesAreSkipped(t *testing.T) {
	ping, longest := "\x04\x00\x00", "\x81\x10\x04"+strings.Repeat("e", 4100)
	for _, tt := range []struct {
		name     string
		stream   string
		messages int
		rest     string
	}{
		{"first", "\x80\x00\x01\x05" + ping, 1, ""},
		{"between", ping + "\xff\x00\x02\x05\x06" + ping, 2, ""},
		{"last", ping + "\x80\x00\x01\x05", 1, ""},
		{"of no bytes", "\x80\x00\x00" + ping + "\x80\x00\x00", 1, ""},
		{"alone", "\x80\x00\x00", 0, ""},
		{"as long as can be", longest + ping, 1, ""},
		{"cut after its type", ping + "\x80", 1, "\x80"},
		{"cut in its length", ping + "\x80\x00", 1, "\x80\x00"},
		{"cut in its body", ping + "\x80\x00\x02\x05", 1, "\x80\x00\x02\x05"},
		{"cut, as long as can be", ping + longest[:4102], 1, longest[:4102]},
		{"followed by a message cut short", "\x80\x00\x01\x05\x04\x00", 0, "\x04\x00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got parsed
			got.feed([]byte(tt.stream))
			if got.err != nil || len(got.messages) != tt.messages || string(got.rest) != tt.rest {
				t.Errorf("%d messages, rest %x, %v; want %d, rest %x", len(got.messages), got.rest, got.err, tt.messages, tt.rest)
			}
		})
	}
}

// FuzzNextMessage also feeds each stream in two pieces, since a stream comes in
// segments that end anywhere.
func FuzzNextMessage(f *testing.F) {
	var all []byte
	for _, v := range messageVectors() {
		f.Add(v.bytes(f), 3)
		all = append(append(all, v.bytes(f)...), 0x80, 0, 1, 7)
	}
	f.Add(all, 5000)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		for rest := b; ; {
			before := rest
			m, next, err := NextMessage(before)
			if err != nil {
				wantMalformed(t, err, "%x", before)
				break
			}
			used := before[:len(before)-len(next)]
			if !bytes.HasSuffix(before, next) {
				t.Fatalf("%x: the rest is %x", before, next)
			}
			if m == nil {
				if again, same, err := NextMessage(next); again != nil || err != nil || len(same) != len(next) || len(next) >= MaxMessage {
					t.Fatalf("%x: none yet, then %v from the rest of %d bytes, %v", before, again, len(next), err)
				}
				break
			}
			if wire := m.Append(nil); len(used) == 0 || !bytes.HasSuffix(used, wire) {
				t.Fatalf("%+v was parsed from\n%x and encodes to\n%x", m, used, wire)
			}
			rest = next
		}

		var whole, pieces parsed
		whole.feed(b)
		cut = min(max(0, cut), len(b))
		pieces.feed(b[:cut])
		pieces.feed(b[cut:])
		if !reflect.DeepEqual(whole.messages, pieces.messages) || whole.err != pieces.err || whole.err == nil && !bytes.Equal(whole.rest, pieces.rest) {
			t.Fatalf("%x cut at %d is\n%+v, whole it is\n%+v", b, cut, pieces, whole)
		}
	})
}
