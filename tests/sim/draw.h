/* SPDX-License-Identifier: ISC */
/*
 * Random decisions, all of which follow from the seed: the same seed makes the
 * same decisions in the same order, on every machine.
 */
#ifndef DRAW_H
#define DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void draw_seed(uint64_t seed);

/* A number from 0 to below - 1. */
size_t draw(size_t below);

/* True with a chance of permille in a thousand. */
bool draw_chance(unsigned permille);

/* One of the numbers of an array. */
#define DRAW_ONE_OF(array) ((array)[draw(sizeof(array) / sizeof(array)[0])])

#endif
