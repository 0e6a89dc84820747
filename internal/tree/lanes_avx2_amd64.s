// Eight BLAKE3 compressions at once, one in each lane of a vector of eight words of 32
// bits (the BLAKE3 paper, section 5.3); a row of sixteen is two of them.
//
// In all that follows Y0 to Y7 are the words v0 to v7 of the state of eight
// compressions, Y9 to Y14 the words v9 to v14, and Y8 is v15. There is no register
// for v8, which lies below the words m0 to m15 of the message, at BX. The first eight
// words of the state hold the chaining values between two blocks.

#include "lanes_amd64.h"

#define V8 -0x020(BX)
#define M0 0x000(BX)
#define M1 0x020(BX)
#define M2 0x040(BX)
#define M3 0x060(BX)
#define M4 0x080(BX)
#define M5 0x0a0(BX)
#define M6 0x0c0(BX)
#define M7 0x0e0(BX)
#define M8 0x100(BX)
#define M9 0x120(BX)
#define M10 0x140(BX)
#define M11 0x160(BX)
#define M12 0x180(BX)
#define M13 0x1a0(BX)
#define M14 0x1c0(BX)
#define M15 0x1e0(BX)

// What rotates words by 16 and by 8 bits: the bytes of each, in the order in which they
// are taken.
DATA right16<>+0x00(SB)/8, $0x0504070601000302
DATA right16<>+0x08(SB)/8, $0x0d0c0f0e09080b0a
DATA right16<>+0x10(SB)/8, $0x0504070601000302
DATA right16<>+0x18(SB)/8, $0x0d0c0f0e09080b0a
GLOBL right16<>(SB), RODATA|NOPTR, $0x20
DATA right8<>+0x00(SB)/8, $0x0407060500030201
DATA right8<>+0x08(SB)/8, $0x0c0f0e0d080b0a09
DATA right8<>+0x10(SB)/8, $0x0407060500030201
DATA right8<>+0x18(SB)/8, $0x0c0f0e0d080b0a09
GLOBL right8<>(SB), RODATA|NOPTR, $0x20

// ADD and XOR do one step of four mixing functions, BYTES and ROTATE the
// rotations: by bytes, and by bits.
#define ADD(x0, x1, x2, x3, a0, a1, a2, a3) \
	VPADDD x0, a0, a0; \
	VPADDD x1, a1, a1; \
	VPADDD x2, a2, a2; \
	VPADDD x3, a3, a3

#define XOR(x0, x1, x2, x3, a0, a1, a2, a3) \
	VPXOR x0, a0, a0; \
	VPXOR x1, a1, a1; \
	VPXOR x2, a2, a2; \
	VPXOR x3, a3, a3

#define BYTES(order, a0, a1, a2, a3) \
	VPSHUFB order<>(SB), a0, a0; \
	VPSHUFB order<>(SB), a1, a1; \
	VPSHUFB order<>(SB), a2, a2; \
	VPSHUFB order<>(SB), a3, a3

#define ROTATE1(bits, a) \
	VPSRLD $bits, a, Y15; \
	VPSLLD $(32-bits), a, a; \
	VPOR Y15, a, a

#define ROTATE(bits, a0, a1, a2, a3) \
	ROTATE1(bits, a0); \
	ROTATE1(bits, a1); \
	ROTATE1(bits, a2); \
	ROTATE1(bits, a3)

// ADDXOR adds d to c, and b is xored with that: one c is v8.
#define ADDXOR(d0, d1, d2, d3, c1, c2, c3, b0, b1, b2, b3) \
	VPADDD V8, d0, Y15; \
	VPADDD d1, c1, c1; \
	VPADDD d2, c2, c2; \
	VPADDD d3, c3, c3; \
	VMOVDQA Y15, V8; \
	XOR(Y15, c1, c2, c3, b0, b1, b2, b3)

// MIX does four mixing functions G (section 2.2) on the words of the state named a, b, c
// and d, with the words x and y of the message; the first c is v8. A word of the message
// is added before what has to be waited for.
#define MIX(a0, a1, a2, a3, b0, b1, b2, b3, c1, c2, c3, d0, d1, d2, d3, x0, y0, x1, y1, x2, y2, x3, y3) \
	ADD(x0, x1, x2, x3, a0, a1, a2, a3); \
	ADD(b0, b1, b2, b3, a0, a1, a2, a3); \
	XOR(a0, a1, a2, a3, d0, d1, d2, d3); \
	BYTES(right16, d0, d1, d2, d3); \
	ADDXOR(d0, d1, d2, d3, c1, c2, c3, b0, b1, b2, b3); \
	ROTATE(12, b0, b1, b2, b3); \
	ADD(y0, y1, y2, y3, a0, a1, a2, a3); \
	ADD(b0, b1, b2, b3, a0, a1, a2, a3); \
	XOR(a0, a1, a2, a3, d0, d1, d2, d3); \
	BYTES(right8, d0, d1, d2, d3); \
	ADDXOR(d0, d1, d2, d3, c1, c2, c3, b0, b1, b2, b3); \
	ROTATE(7, b0, b1, b2, b3)

// COLUMNS mixes the columns of the state: the words (0, 4, 8, 12) with x0 and y0, and
// so on.
#define COLUMNS(x0, y0, x1, y1, x2, y2, x3, y3) \
	MIX(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y9, Y10, Y11, Y12, Y13, Y14, Y8, x0, y0, x1, y1, x2, y2, x3, y3)

// DIAGONALS mixes the diagonals: (0, 5, 10, 15) with x0 and y0, and so on. That with v8,
// the third, is the first here.
#define DIAGONALS(x0, y0, x1, y1, x2, y2, x3, y3) \
	MIX(Y2, Y3, Y0, Y1, Y7, Y4, Y5, Y6, Y9, Y10, Y11, Y13, Y14, Y8, Y12, x2, y2, x3, y3, x0, y0, x1, y1)

// COMPRESS compresses blocks of the flags in the register flags and the message at BX
// into the chaining values in Y0 to Y7. Y12 and Y13 hold the counters.
#define COMPRESS(flags) \
	VPBROADCASTD iv<>+0x00(SB), Y15; \
	VMOVDQA Y15, V8; \
	VPBROADCASTD iv<>+0x04(SB), Y9; \
	VPBROADCASTD iv<>+0x08(SB), Y10; \
	VPBROADCASTD iv<>+0x0c(SB), Y11; \
	MOVL $BLOCK_BYTES, AX; \
	VMOVD AX, X14; \
	VPBROADCASTD X14, Y14; \
	VMOVD flags, X8; \
	VPBROADCASTD X8, Y8; \
	ROUNDS; \
	XOR(V8, Y9, Y10, Y11, Y0, Y1, Y2, Y3); \
	XOR(Y12, Y13, Y14, Y8, Y4, Y5, Y6, Y7)

// INITIAL makes the chaining values those that a chunk or a parent begins with.
#define INITIAL \
	VPBROADCASTD iv<>+0x00(SB), Y0; \
	VPBROADCASTD iv<>+0x04(SB), Y1; \
	VPBROADCASTD iv<>+0x08(SB), Y2; \
	VPBROADCASTD iv<>+0x0c(SB), Y3; \
	VPBROADCASTD iv<>+0x10(SB), Y4; \
	VPBROADCASTD iv<>+0x14(SB), Y5; \
	VPBROADCASTD iv<>+0x18(SB), Y6; \
	VPBROADCASTD iv<>+0x1c(SB), Y7

// STORE writes the chaining values, word by word, to one half of a row.
#define STORE(to) \
	VMOVDQU Y0, 0x000(to); \
	VMOVDQU Y1, 0x040(to); \
	VMOVDQU Y2, 0x080(to); \
	VMOVDQU Y3, 0x0c0(to); \
	VMOVDQU Y4, 0x100(to); \
	VMOVDQU Y5, 0x140(to); \
	VMOVDQU Y6, 0x180(to); \
	VMOVDQU Y7, 0x1c0(to)

// LOAD loads four words of chunk l to the first half of a vector, and of chunk l+4
// to the second.
#define LOAD(base, l, x, y) \
	VMOVDQU (base+l*CHUNK_BYTES)(SI), x; \
	VINSERTI128 $1, (base+(l+4)*CHUNK_BYTES)(SI), y, y

// FOUR loads four words of the blocks of eight chunks, and writes them word by word.
#define FOUR(base, m0, m1, m2, m3) \
	LOAD(base, 0, X8, Y8); \
	LOAD(base, 1, X9, Y9); \
	LOAD(base, 2, X10, Y10); \
	LOAD(base, 3, X11, Y11); \
	VPUNPCKLDQ Y9, Y8, Y12; \
	VPUNPCKHDQ Y9, Y8, Y13; \
	VPUNPCKLDQ Y11, Y10, Y14; \
	VPUNPCKHDQ Y11, Y10, Y15; \
	VPUNPCKLQDQ Y14, Y12, Y8; \
	VPUNPCKHQDQ Y14, Y12, Y9; \
	VPUNPCKLQDQ Y15, Y13, Y10; \
	VPUNPCKHQDQ Y15, Y13, Y11; \
	VMOVDQA Y8, m0; \
	VMOVDQA Y9, m1; \
	VMOVDQA Y10, m2; \
	VMOVDQA Y11, m3

// func compressChunks256(to *row, data *[rowBytes]byte, chunk uint64)
TEXT ·compressChunks256(SB), 0, $640-24
	MOVQ to+0(FP), DI
	MOVQ data+8(FP), SI
	MOVQ chunk+16(FP), R8
	MOVQ R8, R9
	SHRQ $32, R9
	LEAQ 63(SP), BX
	ANDQ $-32, BX
	MOVL $2, R11

half:
	MOVL $CHUNK_START, R10
	MOVL $(CHUNK_BYTES/BLOCK_BYTES), CX
	INITIAL

block:
	FOUR(0x00, M0, M1, M2, M3)
	FOUR(0x10, M4, M5, M6, M7)
	FOUR(0x20, M8, M9, M10, M11)
	FOUR(0x30, M12, M13, M14, M15)

	// chunk is a multiple of 8: no lane carries.
	VMOVD R8, X12
	VPBROADCASTD X12, Y12
	VPADDD lane<>(SB), Y12, Y12
	VMOVD R9, X13
	VPBROADCASTD X13, Y13
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
	ADDQ $0x20, DI
	ADDQ $(7*CHUNK_BYTES), SI
	ADDQ $8, R8
	DECL R11
	JNE  half

	VZEROUPPER
	RET

// PAIR writes a word of the left children and one of the right ones to the message.
#define PAIR(from, offset, m, n) \
	VMOVDQU (offset+0x00)(from), Y0; \
	VMOVDQU (offset+0x20)(from), Y1; \
	VSHUFPS $0x88, Y1, Y0, Y2; \
	VSHUFPS $0xdd, Y1, Y0, Y3; \
	VPERMQ $0xd8, Y2, Y2; \
	VPERMQ $0xd8, Y3, Y3; \
	VMOVDQA Y2, m; \
	VMOVDQA Y3, n

#define PAIRS(from) \
	PAIR(from, 0x000, M0, M8); \
	PAIR(from, 0x040, M1, M9); \
	PAIR(from, 0x080, M2, M10); \
	PAIR(from, 0x0c0, M3, M11); \
	PAIR(from, 0x100, M4, M12); \
	PAIR(from, 0x140, M5, M13); \
	PAIR(from, 0x180, M6, M14); \
	PAIR(from, 0x1c0, M7, M15)

// func compressParents256(to, low, high *row)
TEXT ·compressParents256(SB), 0, $1152-24
	MOVQ to+0(FP), DI
	MOVQ low+8(FP), SI
	MOVQ high+16(FP), DX
	LEAQ 63(SP), BX
	ANDQ $-32, BX
	MOVL $PARENT, R10
	MOVL $2, R11

	// Both messages are read before anything is written: the rows may be one.
	PAIRS(SI)
	ADDQ $0x200, BX
	PAIRS(DX)
	SUBQ $0x200, BX

half:
	INITIAL
	VPXOR Y12, Y12, Y12
	VPXOR Y13, Y13, Y13
	COMPRESS(R10)
	STORE(DI)
	ADDQ $0x20, DI
	ADDQ $0x200, BX
	DECL R11
	JNE  half

	VZEROUPPER
	RET
