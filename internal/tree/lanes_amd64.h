// What compressions of BLAKE3 have in common, whatever the width of a vector. (The
// sections are those of the BLAKE3 paper.)

#include "textflag.h"

// The flags of section 2.1 and 2.4, and the bytes of a block.
#define CHUNK_START 1
#define CHUNK_END 2
#define PARENT 4
#define BLOCK_BYTES 64
#define CHUNK_BYTES 1024

// The initial value, that of SHA-256.
DATA iv<>+0x00(SB)/4, $0x6a09e667
DATA iv<>+0x04(SB)/4, $0xbb67ae85
DATA iv<>+0x08(SB)/4, $0x3c6ef372
DATA iv<>+0x0c(SB)/4, $0xa54ff53a
DATA iv<>+0x10(SB)/4, $0x510e527f
DATA iv<>+0x14(SB)/4, $0x9b05688c
DATA iv<>+0x18(SB)/4, $0x1f83d9ab
DATA iv<>+0x1c(SB)/4, $0x5be0cd19
GLOBL iv<>(SB), RODATA|NOPTR, $0x20

// The number of each lane.
DATA lane<>+0x00(SB)/8, $0x0000000100000000
DATA lane<>+0x08(SB)/8, $0x0000000300000002
DATA lane<>+0x10(SB)/8, $0x0000000500000004
DATA lane<>+0x18(SB)/8, $0x0000000700000006
DATA lane<>+0x20(SB)/8, $0x0000000900000008
DATA lane<>+0x28(SB)/8, $0x0000000b0000000a
DATA lane<>+0x30(SB)/8, $0x0000000d0000000c
DATA lane<>+0x38(SB)/8, $0x0000000f0000000e
GLOBL lane<>(SB), RODATA|NOPTR, $0x40

// ROUNDS is the seven rounds of a compression, of the words M0 to M15 of the message, in
// the order that the permutation of table 2 leads to.
#define ROUNDS \
	COLUMNS(M0, M1, M2, M3, M4, M5, M6, M7); \
	DIAGONALS(M8, M9, M10, M11, M12, M13, M14, M15); \
	COLUMNS(M2, M6, M3, M10, M7, M0, M4, M13); \
	DIAGONALS(M1, M11, M12, M5, M9, M14, M15, M8); \
	COLUMNS(M3, M4, M10, M12, M13, M2, M7, M14); \
	DIAGONALS(M6, M5, M9, M0, M11, M15, M8, M1); \
	COLUMNS(M10, M7, M12, M9, M14, M3, M13, M15); \
	DIAGONALS(M4, M0, M11, M2, M5, M8, M1, M6); \
	COLUMNS(M12, M13, M9, M11, M15, M10, M14, M8); \
	DIAGONALS(M7, M2, M5, M3, M0, M1, M6, M4); \
	COLUMNS(M9, M14, M11, M5, M8, M12, M15, M1); \
	DIAGONALS(M13, M3, M0, M10, M2, M6, M4, M7); \
	COLUMNS(M11, M15, M5, M0, M1, M9, M8, M6); \
	DIAGONALS(M14, M10, M2, M12, M3, M4, M7, M13)
