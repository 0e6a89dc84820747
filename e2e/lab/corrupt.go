package main

import (
	"encoding/binary"
	"math/rand/v2"
)

// Offsets in an IPv4 header (RFC 791 section 3.1) and a UDP header (RFC 768).
const (
	ipv4HeaderMin      = 20
	ipv4FragmentOffset = 6
	ipv4Protocol       = 9
	ipv4Destination    = 16
	protocolUDP        = 17
	udpHeader          = 8
	udpChecksum        = 6
)

// corruptUDP flips one random bit of a UDP datagram's payload and reports
// whether there was one. The checksum becomes zero, which means "none" (RFC
// 768), so that the damage reaches the program as it does when memory in a
// router goes bad; a datagram with a wrong checksum would only be lost. For
// that reason packets of other protocols are left alone.
func corruptUDP(packet []byte, rng *rand.Rand) bool {
	if len(packet) < ipv4HeaderMin || packet[ipv4Protocol] != protocolUDP {
		return false
	}
	const offsetMask = 0x1fff // below three flags
	if binary.BigEndian.Uint16(packet[ipv4FragmentOffset:])&offsetMask != 0 {
		return false // the UDP header is in another fragment
	}
	udp := packet[min(len(packet), int(packet[0]&0x0f)*4):]
	if len(udp) <= udpHeader {
		return false
	}
	udp[udpChecksum], udp[udpChecksum+1] = 0, 0
	payload := udp[udpHeader:]
	payload[rng.IntN(len(payload))] ^= 1 << rng.IntN(8)
	return true
}
