/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "sim/draw.h"

static uint64_t state;

void
draw_seed(uint64_t seed)
{
	state = seed;
}

/* The next number of splitmix64, a generator whose state is a counter. */
static uint64_t
next(void)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = state;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

size_t
draw(size_t below)
{
	return (size_t)(next() % below);
}

bool
draw_chance(unsigned permille)
{
	return next() % 1000 < permille;
}
