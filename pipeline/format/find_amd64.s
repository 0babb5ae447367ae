#include "textflag.h"

// BITS sets to to a bit for each of the 64 bytes in X3 to X6 that is like those of sign.
#define BITS(sign, to) \
	MOVO sign, X7; PCMPEQB X3, X7; PMOVMSKB X7, to; \
	MOVO sign, X8; PCMPEQB X4, X8; PMOVMSKB X8, R9; SHLQ $16, R9; ORQ R9, to; \
	MOVO sign, X9; PCMPEQB X5, X9; PMOVMSKB X9, R10; SHLQ $32, R10; ORQ R10, to; \
	MOVO sign, X10; PCMPEQB X6, X10; PMOVMSKB X10, R11; SHLQ $48, R11; ORQ R11, to

// func find(s *signs, text *byte, found *block, n int)
TEXT ·find(SB), NOSPLIT, $0-32
	MOVQ s+0(FP), AX
	MOVQ text+8(FP), SI
	MOVQ found+16(FP), DI
	MOVQ n+24(FP), CX
	MOVQ 0(AX), X0
	PUNPCKLQDQ X0, X0
	MOVQ 8(AX), X1
	PUNPCKLQDQ X1, X1
	MOVQ 16(AX), X2
	PUNPCKLQDQ X2, X2
	TESTQ CX, CX
	JLE done

next:
	MOVOU 0(SI), X3
	MOVOU 16(SI), X4
	MOVOU 32(SI), X5
	MOVOU 48(SI), X6
	BITS(X0, R8)
	MOVQ R8, 0(DI)
	BITS(X1, R8)
	MOVQ R8, 8(DI)
	BITS(X2, R8)
	MOVQ R8, 16(DI)
	ADDQ $64, SI
	ADDQ $24, DI
	DECQ CX
	JNZ next

done:
	RET
