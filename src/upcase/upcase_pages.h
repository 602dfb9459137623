/* SPDX-License-Identifier: ISC */
/*
 * The tables of kernels that look up many bytes at once: 64 bytes each, whose
 * index is the low six bits of a byte of UTF-8.
 *
 * A sequence needs a look if its first two bytes have a bit of their classes in
 * common: then it has two bytes and a lead with anything that changes, or has a
 * page, or is one of the few of four bytes that change, or it is not UTF-8.
 * Leads that are not UTF-8 have a bit in common with every byte, so nothing
 * else has to tell them; and with leads of three bytes or more, what is not
 * UTF-8 has one of UPCASE_CLASS_FORBIDDEN in common, and nothing else has.
 */
#ifndef UPCASE_PAGES_H
#define UPCASE_PAGES_H

#include <stdint.h>

/* The class of a lead, from 0xc0 on, and of the byte that follows it. */
#define UPCASE_CLASS_FORBIDDEN 7
extern const uint8_t upcase_lead_class[64];
extern const uint8_t upcase_second_class[64];

/*
 * A shorter question for sequences of three bytes, by the low four bits of the
 * lead and the high and the low four of the second byte: those that need a look
 * have a bit in common in these three rows.  So have a few that do not.
 */
extern const uint8_t upcase_nibbles[3][16];

/*
 * The answers to sequences of two bytes, by the second: for each lead, from
 * 0xc0 on, the bytes of the answer.  A first byte of 0 says that the answer is
 * longer, and the second is then its number in upcase_special; a second one of
 * 0 that it has one byte only.  Those of 0xc0 and 0xc1, which are not UTF-8,
 * are 0.  Behind the last lead, up to 0xdf, nothing changes.
 */
#define UPCASE_PAGES_LAST_LEAD 0xd6
extern const uint8_t upcase_leads[][2][64];

/*
 * The answers to sequences of three bytes, by the third: for each page, which
 * is what the first two bytes choose, the bytes of the answer.  A first byte of
 * 0 says that the answer is not to be had here.  Pages come in pairs, an even
 * second byte and the odd one after it, also where nothing changes in one of
 * them.  upcase_page_of has, by the low four bits of the lead and the low six
 * of the second, 0 for no page, as for all that is not UTF-8, or else 1 more
 * than its number.
 */
extern const uint8_t upcase_page_of[16][64];
extern const uint8_t upcase_pages[][3][64];

#endif
