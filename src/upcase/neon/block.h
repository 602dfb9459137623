/* SPDX-License-Identifier: ISC */
/*
 * 64 bytes in four vectors of an AArch64 processor, and masks with a bit for
 * each of the bytes, the first the lowest.
 */
#ifndef UPCASE_NEON_BLOCK_H
#define UPCASE_NEON_BLOCK_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

enum { VECTOR = 16 };

struct block {
	uint8x16_t a, b, c, d;
};

static inline struct block
load(const unsigned char *src)
{
	return (struct block){vld1q_u8(src), vld1q_u8(src + VECTOR),
	    vld1q_u8(src + 2 * VECTOR), vld1q_u8(src + 3 * VECTOR)};
}

static inline void
store(unsigned char *dst, struct block x)
{
	vst1q_u8(dst, x.a);
	vst1q_u8(dst + VECTOR, x.b);
	vst1q_u8(dst + 2 * VECTOR, x.c);
	vst1q_u8(dst + 3 * VECTOR, x.d);
}

/* The bytes are all ones or zeros, and each becomes a bit. */
static inline uint64_t
mask_of(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
	static const uint8_t bits[VECTOR] = {
	    1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t bit = vld1q_u8(bits);
	/* Three sums of neighbours leave a byte for each eight. */
	uint8x16_t ab = vpaddq_u8(vandq_u8(a, bit), vandq_u8(b, bit));
	uint8x16_t cd = vpaddq_u8(vandq_u8(c, bit), vandq_u8(d, bit));
	uint8x16_t sum = vpaddq_u8(ab, cd);
	sum = vpaddq_u8(sum, sum);
	return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
}

static inline uint64_t
at_least(struct block x, uint8_t least)
{
	uint8x16_t bound = vdupq_n_u8(least);
	return mask_of(vcgeq_u8(x.a, bound), vcgeq_u8(x.b, bound),
	    vcgeq_u8(x.c, bound), vcgeq_u8(x.d, bound));
}

static inline uint64_t
equal(struct block x, uint8_t byte)
{
	uint8x16_t wanted = vdupq_n_u8(byte);
	return mask_of(vceqq_u8(x.a, wanted), vceqq_u8(x.b, wanted),
	    vceqq_u8(x.c, wanted), vceqq_u8(x.d, wanted));
}

#endif
