/* SPDX-License-Identifier: ISC */
/* Sockets that listen for TCP, with the options that what they accept inherits.
 */
#ifndef TCP_H
#define TCP_H

#include "server/server.h"

#include <sys/socket.h>

#include <stdint.h>

/*
 * A socket that is bound and listens, with the shortest queue: -1 with the
 * errno of socket, setsockopt, bind or listen.  An option that the service can
 * do without and the system refuses is logged once, and noted in *refused,
 * which is 0 at first.
 */
int tcp_listen(const struct server_settings *, unsigned *refused,
    const struct sockaddr *, socklen_t);

/*
 * How long the kernel holds its part of a closed connection, in ms; 0: as long
 * as it likes.
 */
uint32_t tcp_held_ms(const struct server_settings *, unsigned refused);

#endif
