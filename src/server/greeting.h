/* SPDX-License-Identifier: ISC */
/*
 * How a connection from a proxy begins: with a header that names the client
 * whose text follows.  net/proxy.h knows what such a header is.
 */
#ifndef GREETING_H
#define GREETING_H

#include "server/conn.h"
#include "server/conn_state.h"

/*
 * Takes what has come of the header, and no byte of the text behind it.
 * CONN_MOVED when more must come; what has come is kept in one block of the
 * pool, for which others are evicted if it is full.  CONN_GREETED when all of
 * it was taken, and the record has the address that it names.  CONN_REFUSED
 * when it is malformed, or ends too early.  CONN_EVICTED when the client may
 * not be served, of which the cause is set.  CONN_FAILED with errno.
 */
enum conn_event conn_greet(struct conn *);

#endif
