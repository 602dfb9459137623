/* SPDX-License-Identifier: ISC */
/* What the user is told of a transfer, and the exit status that it has. */
#ifndef VERDICT_H
#define VERDICT_H

#include "client/transfer.h"

/*
 * Prints one sentence on standard error unless the answer is whole.  The
 * server's address and the timeouts of the task are named in it.  Returns the
 * status.
 */
int verdict_say(const struct transfer_result *, const char *server,
    const struct transfer_task *);

#endif
