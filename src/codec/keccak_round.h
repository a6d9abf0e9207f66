/* keccak_round: Keccak-f[1600], written once for lanes of any width.
 *
 * A lane is a uint64_t, or a vector of them when several states are permuted side by side: the operators are the same,
 * and the compiler finds rotates and three-way logic where the target has them. Included by keccak.c and keccak_many.c.
 * Spec: FIPS 202 section 3.2. */
#ifndef CODEC_KECCAK_ROUND_H
#define CODEC_KECCAK_ROUND_H

#include <stdint.h>

static const uint64_t KECCAK_CONSTANT[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

#define KECCAK_ROTATE(v, by) ((v) << (by) | (v) >> (64 - (by)))
/* One round from the 25 variables named a.. to those named e..: theta's column sums, then row by row rho, pi and chi.
 * The two sets take turns, so that a round copies nothing and the compiler may keep lanes in registers. */
#define KECCAK_CHI(e, y, b0, b1, b2, b3, b4)                                                                           \
    e##y##0 = (b0) ^ (~(b1) & (b2));                                                                                   \
    e##y##1 = (b1) ^ (~(b2) & (b3));                                                                                   \
    e##y##2 = (b2) ^ (~(b3) & (b4));                                                                                   \
    e##y##3 = (b3) ^ (~(b4) & (b0));                                                                                   \
    e##y##4 = (b4) ^ (~(b0) & (b1))
#define KECCAK_ROUND(a, e, constant)                                                                                   \
    do {                                                                                                               \
        __typeof__(a##00) c0 = a##00 ^ a##10 ^ a##20 ^ a##30 ^ a##40, c1 = a##01 ^ a##11 ^ a##21 ^ a##31 ^ a##41;      \
        __typeof__(a##00) c2 = a##02 ^ a##12 ^ a##22 ^ a##32 ^ a##42, c3 = a##03 ^ a##13 ^ a##23 ^ a##33 ^ a##43;      \
        __typeof__(a##00) c4 = a##04 ^ a##14 ^ a##24 ^ a##34 ^ a##44;                                                  \
        __typeof__(a##00) d0 = c4 ^ KECCAK_ROTATE(c1, 1), d1 = c0 ^ KECCAK_ROTATE(c2, 1),                              \
                          d2 = c1 ^ KECCAK_ROTATE(c3, 1);                                                              \
        __typeof__(a##00) d3 = c2 ^ KECCAK_ROTATE(c4, 1), d4 = c3 ^ KECCAK_ROTATE(c0, 1);                              \
        __typeof__(a##00) b0, b1, b2, b3, b4;                                                                          \
                                                                                                                       \
        b0 = a##00 ^ d0, b1 = KECCAK_ROTATE(a##11 ^ d1, 44), b2 = KECCAK_ROTATE(a##22 ^ d2, 43);                       \
        b3 = KECCAK_ROTATE(a##33 ^ d3, 21), b4 = KECCAK_ROTATE(a##44 ^ d4, 14);                                        \
        KECCAK_CHI(e, 0, b0, b1, b2, b3, b4);                                                                          \
        e##00 ^= (constant);                                                                                           \
        b0 = KECCAK_ROTATE(a##03 ^ d3, 28), b1 = KECCAK_ROTATE(a##14 ^ d4, 20), b2 = KECCAK_ROTATE(a##20 ^ d0, 3);     \
        b3 = KECCAK_ROTATE(a##31 ^ d1, 45), b4 = KECCAK_ROTATE(a##42 ^ d2, 61);                                        \
        KECCAK_CHI(e, 1, b0, b1, b2, b3, b4);                                                                          \
        b0 = KECCAK_ROTATE(a##01 ^ d1, 1), b1 = KECCAK_ROTATE(a##12 ^ d2, 6), b2 = KECCAK_ROTATE(a##23 ^ d3, 25);      \
        b3 = KECCAK_ROTATE(a##34 ^ d4, 8), b4 = KECCAK_ROTATE(a##40 ^ d0, 18);                                         \
        KECCAK_CHI(e, 2, b0, b1, b2, b3, b4);                                                                          \
        b0 = KECCAK_ROTATE(a##04 ^ d4, 27), b1 = KECCAK_ROTATE(a##10 ^ d0, 36), b2 = KECCAK_ROTATE(a##21 ^ d1, 10);    \
        b3 = KECCAK_ROTATE(a##32 ^ d2, 15), b4 = KECCAK_ROTATE(a##43 ^ d3, 56);                                        \
        KECCAK_CHI(e, 3, b0, b1, b2, b3, b4);                                                                          \
        b0 = KECCAK_ROTATE(a##02 ^ d2, 62), b1 = KECCAK_ROTATE(a##13 ^ d3, 55), b2 = KECCAK_ROTATE(a##24 ^ d4, 39);    \
        b3 = KECCAK_ROTATE(a##30 ^ d0, 41), b4 = KECCAK_ROTATE(a##41 ^ d1, 2);                                         \
        KECCAK_CHI(e, 4, b0, b1, b2, b3, b4);                                                                          \
    } while (0)

/* s is an array of 25 lanes; s[x + 5y] is lane (x, y), and the variable of that lane is named y first. */
#define KECCAK_PERMUTE(lane, s)                                                                                        \
    do {                                                                                                               \
        lane a00 = s[0], a01 = s[1], a02 = s[2], a03 = s[3], a04 = s[4];                                               \
        lane a10 = s[5], a11 = s[6], a12 = s[7], a13 = s[8], a14 = s[9];                                               \
        lane a20 = s[10], a21 = s[11], a22 = s[12], a23 = s[13], a24 = s[14];                                          \
        lane a30 = s[15], a31 = s[16], a32 = s[17], a33 = s[18], a34 = s[19];                                          \
        lane a40 = s[20], a41 = s[21], a42 = s[22], a43 = s[23], a44 = s[24];                                          \
        lane e00, e01, e02, e03, e04;                                                                                  \
        lane e10, e11, e12, e13, e14;                                                                                  \
        lane e20, e21, e22, e23, e24;                                                                                  \
        lane e30, e31, e32, e33, e34;                                                                                  \
        lane e40, e41, e42, e43, e44;                                                                                  \
                                                                                                                       \
        for (int i = 0; i < 24; i += 2) {                                                                              \
            KECCAK_ROUND(a, e, KECCAK_CONSTANT[i]);                                                                    \
            KECCAK_ROUND(e, a, KECCAK_CONSTANT[i + 1]);                                                                \
        }                                                                                                              \
        s[0] = a00, s[1] = a01, s[2] = a02, s[3] = a03, s[4] = a04;                                                    \
        s[5] = a10, s[6] = a11, s[7] = a12, s[8] = a13, s[9] = a14;                                                    \
        s[10] = a20, s[11] = a21, s[12] = a22, s[13] = a23, s[14] = a24;                                               \
        s[15] = a30, s[16] = a31, s[17] = a32, s[18] = a33, s[19] = a34;                                               \
        s[20] = a40, s[21] = a41, s[22] = a42, s[23] = a43, s[24] = a44;                                               \
    } while (0)

#endif
