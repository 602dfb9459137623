/* SPDX-License-Identifier: ISC */
/*
 * Prints the options of all programs for `generate', beside this file: a line
 * each, of fields with tabs between them.  These are the program, the name,
 * the letter, what --help calls the value, whether it may be given again, what
 * the value is, and the help.
 */
#include "config.h"

#include "bench/options.h"
#include "client/options.h"
#include "config/option.h"
#include "daemon/account.h"
#include "daemon/options.h"
#include "net/address_option.h"

#include <stdio.h>
#include <string.h>

/* What a value is: its kind, or for one of several words all of them. */
static void
print_value(const struct option_field *field)
{
	if (field->kind == &option_address || field->kind == &option_listen)
		printf("address");
	else if (field->noun != NULL && strstr(field->noun, "file") != NULL)
		printf("file");
	else if (field->kind == &option_account)
		printf("account");
	for (size_t i = 0; field->words != NULL && field->words[i] != NULL; i++)
		printf("%s%s", i == 0 ? "=" : ",", field->words[i]);
	for (size_t i = 0; field->name != NULL && field->name(i) != NULL; i++)
		printf("%s%s", i == 0 ? "=" : ",", field->name(i));
	if (field->zero != NULL)
		printf("=%s", field->zero);
}

static void
print_row(const char *program, const struct option_row *row)
{
	printf("%s\t%s\t%.*s\t%s\t%s\t", program, row->name,
	    row->letter != 0 ? 1 : 0, &row->letter,
	    row->argument != NULL ? row->argument : "",
	    row->field.places != 0 ? "again" : "");
	if (row->argument != NULL)
		print_value(&row->field);
	(void)putchar('\t');
	for (const char *at = row->help; *at != '\0'; at++)
		(void)putchar(*at == '\n' ? ' ' : *at);
	(void)putchar('\n');
}

int
main(void)
{
	static const struct {
		const char *name;
		const struct option_row *rows;
	} programs[] = {
	    {"upcased", daemon_rows},
	    {"upc", client_rows},
	    {"upcbench", bench_rows},
	};
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		const struct option_row *row = programs[i].rows;
		for (; row->name != NULL; row++)
			print_row(programs[i].name, row);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
