/* SPDX-License-Identifier: ISC */
/*
 * Runs the target of the fuzzer once for each of the files that are named, and
 * prints the names: the last is the one that failed.
 */
#include "config.h"

#include "fuzz/target.h"

#include <err.h>
#include <stdio.h>

/* The longest input, in bytes. */
enum { LONGEST = 4096 };

int
main(int argc, char **argv)
{
	(void)LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		static uint8_t input[LONGEST];
		FILE *file = fopen(argv[i], "rb");
		if (file == NULL)
			err(1, "%s", argv[i]);
		size_t n = fread(input, 1, sizeof input, file);
		if (ferror(file) != 0)
			err(1, "%s", argv[i]);
		(void)fclose(file);
		(void)puts(argv[i]);
		(void)fflush(stdout);
		(void)LLVMFuzzerTestOneInput(input, n);
	}
	return 0;
}
