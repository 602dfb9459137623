/* SPDX-License-Identifier: ISC */
/* SipHash-2-4, against the values in appendix A of its definition. */
#include "config.h"

#include "base/siphash.h"
#include "unit/runner.h"

START_TEST(it_has_the_value_of_its_definition)
{
	const struct siphash_key key = {
	    {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
	unsigned char bytes[15];
	for (int i = 0; i < LENGTH(bytes); i++)
		bytes[i] = (unsigned char)i;
	ck_assert_uint_eq(
	    siphash(&key, bytes, sizeof bytes), UINT64_C(0xa129ca6149be45e5));
	/* That of no bytes is the first vector of its authors' program. */
	ck_assert_uint_eq(
	    siphash(&key, bytes, 0), UINT64_C(0x726fdb47dd0e0e31));
}
END_TEST

START_TEST(each_bit_of_the_key_and_of_the_bytes_changes_it)
{
	struct siphash_key key = {{1, 2}};
	unsigned char bytes[18] = {0};
	uint64_t first = siphash(&key, bytes, sizeof bytes);
	for (size_t i = 0; i < 8 * sizeof bytes; i++) {
		bytes[i / 8] ^= (unsigned char)(1U << i % 8);
		ck_assert_uint_ne(siphash(&key, bytes, sizeof bytes), first);
		bytes[i / 8] ^= (unsigned char)(1U << i % 8);
	}
	for (size_t i = 0; i < 128; i++) {
		key.words[i / 64] ^= UINT64_C(1) << i % 64;
		ck_assert_uint_ne(siphash(&key, bytes, sizeof bytes), first);
		key.words[i / 64] ^= UINT64_C(1) << i % 64;
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("siphash");
	TCase *tcase = tcase_create("siphash");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, it_has_the_value_of_its_definition);
	tcase_add_test(tcase, each_bit_of_the_key_and_of_the_bytes_changes_it);
	return suite;
}
