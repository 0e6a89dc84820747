// Sixteen BLAKE3 compressions at once, one in each lane of a vector of sixteen
// words of 32 bits (the BLAKE3 paper, section 5.3).
//
// In all that follows Z0 to Z15 are the words v0 to v15 of the state, and Z16 to Z31
// the words m0 to m15 of the message, of sixteen compressions. The first eight words
// of the state hold the chaining values between two blocks.

#include "lanes_amd64.h"

#define M0 Z16
#define M1 Z17
#define M2 Z18
#define M3 Z19
#define M4 Z20
#define M5 Z21
#define M6 Z22
#define M7 Z23
#define M8 Z24
#define M9 Z25
#define M10 Z26
#define M11 Z27
#define M12 Z28
#define M13 Z29
#define M14 Z30
#define M15 Z31

// The even numbers below 32: of two vectors, one after the other, the words at
// even places.
DATA even<>+0x00(SB)/8, $0x0000000200000000
DATA even<>+0x08(SB)/8, $0x0000000600000004
DATA even<>+0x10(SB)/8, $0x0000000a00000008
DATA even<>+0x18(SB)/8, $0x0000000e0000000c
DATA even<>+0x20(SB)/8, $0x0000001200000010
DATA even<>+0x28(SB)/8, $0x0000001600000014
DATA even<>+0x30(SB)/8, $0x0000001a00000018
DATA even<>+0x38(SB)/8, $0x0000001e0000001c
GLOBL even<>(SB), RODATA|NOPTR, $0x40

// The odd ones.
DATA odd<>+0x00(SB)/8, $0x0000000300000001
DATA odd<>+0x08(SB)/8, $0x0000000700000005
DATA odd<>+0x10(SB)/8, $0x0000000b00000009
DATA odd<>+0x18(SB)/8, $0x0000000f0000000d
DATA odd<>+0x20(SB)/8, $0x0000001300000011
DATA odd<>+0x28(SB)/8, $0x0000001700000015
DATA odd<>+0x30(SB)/8, $0x0000001b00000019
DATA odd<>+0x38(SB)/8, $0x0000001f0000001d
GLOBL odd<>(SB), RODATA|NOPTR, $0x40

// ADD, XOR and ROTATE do one step of four mixing functions.
#define ADD(x0, x1, x2, x3, a0, a1, a2, a3) \
	VPADDD x0, a0, a0; \
	VPADDD x1, a1, a1; \
	VPADDD x2, a2, a2; \
	VPADDD x3, a3, a3

#define XOR(x0, x1, x2, x3, a0, a1, a2, a3) \
	VPXORD x0, a0, a0; \
	VPXORD x1, a1, a1; \
	VPXORD x2, a2, a2; \
	VPXORD x3, a3, a3

#define ROTATE(bits, a0, a1, a2, a3) \
	VPRORD $bits, a0, a0; \
	VPRORD $bits, a1, a1; \
	VPRORD $bits, a2, a2; \
	VPRORD $bits, a3, a3

// MIX does four mixing functions G (section 2.2) on the words 0 to 3 of the state and
// those named b, c and d, with the words x and y of the message. A word of the message is
// added before what has to be waited for.
#define MIX(b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3, x0, y0, x1, y1, x2, y2, x3, y3) \
	ADD(x0, x1, x2, x3, Z0, Z1, Z2, Z3); \
	ADD(b0, b1, b2, b3, Z0, Z1, Z2, Z3); \
	XOR(Z0, Z1, Z2, Z3, d0, d1, d2, d3); \
	ROTATE(16, d0, d1, d2, d3); \
	ADD(d0, d1, d2, d3, c0, c1, c2, c3); \
	XOR(c0, c1, c2, c3, b0, b1, b2, b3); \
	ROTATE(12, b0, b1, b2, b3); \
	ADD(y0, y1, y2, y3, Z0, Z1, Z2, Z3); \
	ADD(b0, b1, b2, b3, Z0, Z1, Z2, Z3); \
	XOR(Z0, Z1, Z2, Z3, d0, d1, d2, d3); \
	ROTATE(8, d0, d1, d2, d3); \
	ADD(d0, d1, d2, d3, c0, c1, c2, c3); \
	XOR(c0, c1, c2, c3, b0, b1, b2, b3); \
	ROTATE(7, b0, b1, b2, b3)

// COLUMNS mixes the columns of the state: the words (0, 4, 8, 12) with x0 and y0, and
// so on.
#define COLUMNS(x0, y0, x1, y1, x2, y2, x3, y3) \
	MIX(Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15, x0, y0, x1, y1, x2, y2, x3, y3)

// DIAGONALS mixes the diagonals: (0, 5, 10, 15) with x0 and y0, and so on.
#define DIAGONALS(x0, y0, x1, y1, x2, y2, x3, y3) \
	MIX(Z5, Z6, Z7, Z4, Z10, Z11, Z8, Z9, Z15, Z12, Z13, Z14, x0, y0, x1, y1, x2, y2, x3, y3)

// COMPRESS compresses blocks of the flags in the register flags and the
// message in Z16 to Z31 into the chaining values in Z0 to Z7. Z12 and Z13 hold
// the counters.
#define COMPRESS(flags) \
	VPBROADCASTD iv<>+0x00(SB), Z8; \
	VPBROADCASTD iv<>+0x04(SB), Z9; \
	VPBROADCASTD iv<>+0x08(SB), Z10; \
	VPBROADCASTD iv<>+0x0c(SB), Z11; \
	MOVL $BLOCK_BYTES, AX; \
	VPBROADCASTD AX, Z14; \
	VPBROADCASTD flags, Z15; \
	ROUNDS; \
	XOR(Z8, Z9, Z10, Z11, Z0, Z1, Z2, Z3); \
	XOR(Z12, Z13, Z14, Z15, Z4, Z5, Z6, Z7)

// INITIAL makes the chaining values those that a chunk or a parent begins with.
#define INITIAL \
	VPBROADCASTD iv<>+0x00(SB), Z0; \
	VPBROADCASTD iv<>+0x04(SB), Z1; \
	VPBROADCASTD iv<>+0x08(SB), Z2; \
	VPBROADCASTD iv<>+0x0c(SB), Z3; \
	VPBROADCASTD iv<>+0x10(SB), Z4; \
	VPBROADCASTD iv<>+0x14(SB), Z5; \
	VPBROADCASTD iv<>+0x18(SB), Z6; \
	VPBROADCASTD iv<>+0x1c(SB), Z7

// STORE writes the chaining values, word by word.
#define STORE(to) \
	VMOVDQU32 Z0, 0x000(to); \
	VMOVDQU32 Z1, 0x040(to); \
	VMOVDQU32 Z2, 0x080(to); \
	VMOVDQU32 Z3, 0x0c0(to); \
	VMOVDQU32 Z4, 0x100(to); \
	VMOVDQU32 Z5, 0x140(to); \
	VMOVDQU32 Z6, 0x180(to); \
	VMOVDQU32 Z7, 0x1c0(to)

// FOUR loads the blocks of four chunks, the first of them at base, and
// transposes their words within each quarter of a vector: quarter l of m0 has
// word 4l of the four blocks, that of m1 word 4l+1, and so on.
#define FOUR(base, t0, t1, t2, t3, m0, m1, m2, m3) \
	VMOVDQU32 (base+0*CHUNK_BYTES)(SI), t1; \
	VMOVDQU32 (base+2*CHUNK_BYTES)(SI), t3; \
	VPUNPCKLDQ (base+1*CHUNK_BYTES)(SI), t1, t0; \
	VPUNPCKHDQ (base+1*CHUNK_BYTES)(SI), t1, t1; \
	VPUNPCKLDQ (base+3*CHUNK_BYTES)(SI), t3, t2; \
	VPUNPCKHDQ (base+3*CHUNK_BYTES)(SI), t3, t3; \
	VPUNPCKLQDQ t2, t0, m0; \
	VPUNPCKHQDQ t2, t0, m1; \
	VPUNPCKLQDQ t3, t1, m2; \
	VPUNPCKHQDQ t3, t1, m3

// GATHER makes words of a message out of what FOUR left of one word of each
// four, for chunks 0 to 3 in m0, 4 to 7 in m1, and so on: quarter l of all of
// them becomes the vector of word 4l, and l of them is the l-th here.
#define GATHER(t0, t1, t2, t3, m0, m1, m2, m3) \
	VSHUFI32X4 $0x44, m1, m0, t0; \
	VSHUFI32X4 $0xee, m1, m0, t1; \
	VSHUFI32X4 $0x44, m3, m2, t2; \
	VSHUFI32X4 $0xee, m3, m2, t3; \
	VSHUFI32X4 $0x88, t2, t0, m0; \
	VSHUFI32X4 $0xdd, t2, t0, m1; \
	VSHUFI32X4 $0x88, t3, t1, m2; \
	VSHUFI32X4 $0xdd, t3, t1, m3

// func compressChunks512(to *row, data *[rowBytes]byte, chunk uint64)
TEXT ·compressChunks512(SB), NOSPLIT, $0-24
	MOVQ to+0(FP), DI
	MOVQ data+8(FP), SI
	MOVQ chunk+16(FP), R8
	MOVQ R8, R9
	SHRQ $32, R9
	MOVL $CHUNK_START, R10
	MOVL $(CHUNK_BYTES/BLOCK_BYTES), CX
	INITIAL

block:
	FOUR(0*CHUNK_BYTES, Z8, Z9, Z10, Z11, Z16, Z17, Z18, Z19)
	FOUR(4*CHUNK_BYTES, Z12, Z13, Z14, Z15, Z20, Z21, Z22, Z23)
	FOUR(8*CHUNK_BYTES, Z8, Z9, Z10, Z11, Z24, Z25, Z26, Z27)
	FOUR(12*CHUNK_BYTES, Z12, Z13, Z14, Z15, Z28, Z29, Z30, Z31)
	GATHER(Z8, Z9, Z10, Z11, Z16, Z20, Z24, Z28)
	GATHER(Z12, Z13, Z14, Z15, Z17, Z21, Z25, Z29)
	GATHER(Z8, Z9, Z10, Z11, Z18, Z22, Z26, Z30)
	GATHER(Z12, Z13, Z14, Z15, Z19, Z23, Z27, Z31)

	// chunk is a multiple of 16: no lane carries.
	VPBROADCASTD R8, Z12
	VPADDD lane<>(SB), Z12, Z12
	VPBROADCASTD R9, Z13
	COMPRESS(R10)

	ADDQ $BLOCK_BYTES, SI
	XORL R10, R10
	MOVL $CHUNK_END, AX
	DECL CX
	CMPL CX, $1
	CMOVLEQ AX, R10
	TESTL CX, CX
	JNE  block

	STORE(DI)
	VZEROUPPER
	RET

// PAIR loads a word of the left children to m and one of the right ones to n.
#define PAIR(offset, m, n) \
	VMOVDQU32 offset(SI), m; \
	VMOVDQA32 m, n; \
	VPERMT2D offset(DX), Z8, m; \
	VPERMT2D offset(DX), Z9, n

// func compressParents512(to, low, high *row)
TEXT ·compressParents512(SB), NOSPLIT, $0-24
	MOVQ to+0(FP), DI
	MOVQ low+8(FP), SI
	MOVQ high+16(FP), DX
	MOVL $PARENT, R10
	VMOVDQU32 even<>(SB), Z8
	VMOVDQU32 odd<>(SB), Z9
	PAIR(0x000, Z16, Z24)
	PAIR(0x040, Z17, Z25)
	PAIR(0x080, Z18, Z26)
	PAIR(0x0c0, Z19, Z27)
	PAIR(0x100, Z20, Z28)
	PAIR(0x140, Z21, Z29)
	PAIR(0x180, Z22, Z30)
	PAIR(0x1c0, Z23, Z31)
	INITIAL
	VPXORD Z12, Z12, Z12
	VPXORD Z13, Z13, Z13
	COMPRESS(R10)
	STORE(DI)
	VZEROUPPER
	RET
