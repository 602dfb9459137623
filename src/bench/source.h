/* SPDX-License-Identifier: ISC */
/*
 * Which address of ours a connection comes from.
 *
 * We send our FIN first, as a client that has asked all it wanted does, so it
 * is our end that stays in TIME-WAIT (RFC 9293, section 3.6.1) and keeps its
 * port for a minute or so.  From one address to one server there are some
 * 28,000 ports, which churn uses up within seconds.  To a server on loopback
 * connections therefore come from 250 addresses of 127.0.0.0/8 in turn, where
 * the system has them all (Linux does).  No other server can be given more
 * addresses than we have: there churn has to stay below the ports.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

/* Whether connections to the server can come from several addresses. */
bool source_is_spread(const struct sockaddr *server);

/* Binds the socket of the k-th connection to its address. */
int source_bind(int fd, uint64_t k);

#endif
