/* SPDX-License-Identifier: ISC */
/*
 * Prints the table of transitions of a connection for connection.pml, so that
 * the model moves by the table of the daemon and cannot differ from it.
 */
#include "config.h"

#include "server/conn_state.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static void
print_name(const char *name, int value)
{
	printf("#define ");
	for (; *name != '\0'; name++)
		putchar(toupper((unsigned char)*name));
	printf(" %d\n", value);
}

static int
next(int state, int event)
{
	if (!conn_state_allows((enum conn_state)state, (enum conn_event)event))
		return CONN_NSTATES;
	return (int)conn_state_next(
	    (enum conn_state)state, (enum conn_event)event);
}

int
main(void)
{
	for (int state = 0; state < CONN_NSTATES; state++)
		print_name(conn_state_name((enum conn_state)state), state);
	for (int event = 0; event < CONN_NEVENTS; event++)
		print_name(conn_event_name((enum conn_event)event), event);
	printf("#define IMPOSSIBLE %d\n", CONN_NSTATES);
	printf("#define NEXT(state, event) next[(state) * %d + (event)]\n",
	    CONN_NEVENTS);
	printf("hidden byte next[%d] = {", CONN_NSTATES * CONN_NEVENTS);
	for (int cell = 0; cell < CONN_NSTATES * CONN_NEVENTS; cell++)
		printf("%s %d", cell == 0 ? "" : ",",
		    next(cell / CONN_NEVENTS, cell % CONN_NEVENTS));
	printf(" };\n");
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
