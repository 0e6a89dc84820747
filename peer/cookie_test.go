package peer

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

var cookieAddr = netip.MustParseAddrPort("192.0.2.1:4000")

func TestACookieIsTakenFromItsAddressOnly(t *testing.T) {
	now := time.Now()
	j := newCookieJar(now)
	cookie := j.make(now, cookieAddr, nil)
	if len(cookie) != cookieLen || !j.valid(now, cookieAddr, cookie) {
		t.Fatalf("the cookie %x is not taken", cookie)
	}
	for _, other := range []string{"192.0.2.1:4001", "192.0.2.2:4000", "[2001:db8::1]:4000", "[::c000:201]:4000"} {
		if j.valid(now, netip.MustParseAddrPort(other), cookie) {
			t.Errorf("taken from %s", other)
		}
	}
}

func TestACookieLivesOneToTwoSlots(t *testing.T) {
	start := time.Now()
	for at := time.Duration(0); at < 2*cookieSlot; at += cookieSlot / 4 {
		j := newCookieJar(start)
		made := start.Add(at)
		cookie := j.make(made, cookieAddr, nil)
		for _, c := range []struct {
			age  time.Duration
			want bool
		}{{0, true}, {cookieSlot - 1, true}, {cookieSlot, true}, {2*cookieSlot - 1, at%cookieSlot == 0}, {2 * cookieSlot, false}} {
			later := *j // as it would be had nobody asked in between
			if got := later.valid(made.Add(c.age), cookieAddr, cookie); got != c.want {
				t.Errorf("made at %v, %v old: valid %v, want %v", at, c.age, got, c.want)
			}
		}
	}
}

// The jar is idle for several slots: no secret of before is taken.
func TestOldSecretsAreForgotten(t *testing.T) {
	start := time.Now()
	j := newCookieJar(start)
	first := j.append(nil, j.now, 0, cookieAddr)
	for _, c := range []struct {
		slots     time.Duration
		last, now bool // are the first secret
	}{{0, false, true}, {1, true, false}, {2, false, false}} {
		j.rotate(start.Add(c.slots * cookieSlot))
		last, now := j.append(nil, j.last, 0, cookieAddr), j.append(nil, j.now, 0, cookieAddr)
		if bytes.Equal(last, first) != c.last || bytes.Equal(now, first) != c.now || bytes.Equal(last, now) {
			t.Errorf("after %d slots the secrets are the wrong ones", c.slots)
		}
	}
	j = newCookieJar(start)
	old := j.make(start, cookieAddr, nil)
	for k := range 5 {
		now := start.Add(time.Duration(k+2) * cookieSlot)
		if j.valid(now, cookieAddr, old) {
			t.Errorf("%d slots later it is taken", k+2)
		}
		// The slot's number is in the clear: a forger writes what it likes.
		forged := bytes.Clone(old)
		for slot := range byte(8) {
			forged[3] = slot
			if j.valid(now, cookieAddr, forged) {
				t.Errorf("taken with the number %d", slot)
			}
		}
	}
}

func TestForgedCookies(t *testing.T) {
	now := time.Now()
	j := newCookieJar(now)
	good := j.make(now, cookieAddr, nil)
	for bit := range 8 * len(good) {
		forged := bytes.Clone(good)
		forged[bit/8] ^= 1 << (bit % 8)
		if j.valid(now, cookieAddr, forged) {
			t.Errorf("taken with bit %d changed", bit)
		}
	}
	for n := range len(good) {
		if j.valid(now, cookieAddr, good[:n]) {
			t.Errorf("its first %d bytes are taken", n)
		}
	}
	if j.valid(now, cookieAddr, append(bytes.Clone(good), 0)) {
		t.Error("taken with a byte more")
	}
	if other := newCookieJar(now); other.valid(now, cookieAddr, good) {
		t.Error("taken by another server")
	}
}

func TestTokenBucket(t *testing.T) {
	b, now := tokenBucket{perSec: 10, most: 5}, time.Now()
	take := func() (n int) {
		for b.take(now) {
			n++
		}
		return n
	}
	if n := take(); n != 5 {
		t.Errorf("%d at the start, want 5", n)
	}
	now = now.Add(350 * time.Millisecond)
	if n := take(); n != 3 {
		t.Errorf("%d after 350 ms, want 3", n)
	}
	now = now.Add(-time.Hour) // never refills by going back
	if n := take(); n != 0 {
		t.Errorf("%d an hour before", n)
	}
	now = now.Add(10 * time.Hour)
	if n := take(); n != 5 {
		t.Errorf("%d after a long while, want 5", n)
	}
}

// What a Hello without a cookie, or with a forged one, costs under load.
func BenchmarkCookie(b *testing.B) {
	now := time.Now()
	j := newCookieJar(now)
	cookie := j.make(now, cookieAddr, nil)
	for name, do := range map[string]func(){
		"make":  func() { j.make(now, cookieAddr, cookie[:0]) },
		"check": func() { j.valid(now, cookieAddr, cookie) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				do()
			}
		})
	}
}
