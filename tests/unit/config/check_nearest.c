/* SPDX-License-Identifier: ISC */
/* What somebody meant who mistyped the name of an option. */
#include "config.h"

#include "config/nearest.h"
#include "unit/runner.h"

#include <string.h>

static const struct option_row rows[] = {
    {.name = "listen"},
    {.name = "workers"},
    {.name = "user"},
    {.name = "max-connections"},
    {.name = "log-level"},
    {.name = "a-name-that-is-longer-than-any-that-there-is-in-a-program"},
    {.name = NULL},
};

static const struct {
	const char *text, *nearest;
} cases[] = {
    /* A letter is missing, one too many, another one, or two are swapped. */
    {"lisen", "listen"},
    {"listten", "listen"},
    {"lusten", "listen"},
    {"lsiten", "listen"},
    {"listen", "listen"},
    {"slisten", "listen"},
    {"listens", "listen"},
    {"isten", "listen"},
    {"log-levle", "log-level"},
    /* As it is written elsewhere. */
    {"--listen", "listen"},
    {"-listen", "listen"},
    {"Listen", "listen"},
    {"LISTEN", "listen"},
    {"MAX_CONNECTIONS", "max-connections"},
    {"MaxConnections", "max-connections"},
    {"max connections", "max-connections"},
    {"max-conections", "max-connections"},
    {"maxconnection", "max-connections"},
    {"LO_LEVL", "log-level"},
    /* A third of the letters may be wrong, and not more. */
    {"wxrkexs", "workers"},
    {"wxxkexs", NULL},
    {"usr", "user"},
    {"us", NULL},
    {"usxx", NULL},
    {"", NULL},
    {"-", NULL},
    {"---", NULL},
    {"x", NULL},
    {"nothing-like-it", NULL},
    {"\xff\xfe", NULL},
    /* Too long to be any. */
    {"a-name-that-is-longer-than-any-that-there-is-in-a-program", NULL},
};

START_TEST(the_nearest_name_is_found_if_few_letters_differ)
{
	for (int i = 0; i < LENGTH(cases); i++) {
		const char *text = cases[i].text;
		const struct option_row *row =
		    nearest_row(rows, text, strlen(text));
		const char *found = row == NULL ? "nothing" : row->name;
		const char *due =
		    cases[i].nearest == NULL ? "nothing" : cases[i].nearest;
		ck_assert_msg(strcmp(found, due) == 0, "%s: %s", text, found);
	}
}
END_TEST

START_TEST(only_the_bytes_that_were_given_count)
{
	ck_assert_ptr_eq(nearest_row(rows, "listen=x", 6), &rows[0]);
	ck_assert_ptr_eq(nearest_row(rows, "--userxxxxxxxxx", 6), &rows[2]);
	ck_assert_ptr_null(nearest_row(rows, "listen", 0));
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("nearest");
	TCase *tcase = tcase_create("names");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, the_nearest_name_is_found_if_few_letters_differ);
	tcase_add_test(tcase, only_the_bytes_that_were_given_count);
	return suite;
}
