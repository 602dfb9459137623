/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "client/patience.h"

int
patience_for_move(const struct patience *patience, uint64_t now)
{
	if (patience->move == 0)
		return -1;
	uint64_t deadline = patience->moved + patience->move;
	return now < deadline ? (int)(deadline - now) : 0;
}

int
patience_for_answer(const struct patience *patience)
{
	if (patience->answer == 0)
		return -1;
	return patience->waited < patience->answer
		   ? (int)(patience->answer - patience->waited)
		   : 0;
}

void
patience_count(
    struct patience *patience, uint64_t began, uint64_t now, int longest)
{
	uint64_t took = now - began;
	if (longest != -1 && took > (uint64_t)longest)
		took = (uint64_t)longest;
	patience->waited += took;
}

int
patience_shorter(int a, int b)
{
	return a == -1 || (b != -1 && b < a) ? b : a;
}
