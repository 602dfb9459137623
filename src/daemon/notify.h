/* SPDX-License-Identifier: ISC */
/*
 * Messages to a service manager, by the protocol of sd_notify(3): datagrams to
 * the Unix socket that NOTIFY_SOCKET names, each with lines such as READY=1.
 *
 * No message is waited for, and none that fails ends or holds up anything; the
 * first failure is logged.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

#include <stdbool.h>
#include <stddef.h>

/* The most descriptors of one message; Linux takes 253. */
#define NOTIFY_DESCRIPTORS_MAX 128

/*
 * Makes the address of a path, or of @name in the abstract namespace of Linux.
 * -1: the text is neither, or too long.
 */
int notify_address(struct sockaddr_un *, socklen_t *length, const char *text);

/*
 * Opens the socket and takes the variable out of the environment.  To be called
 * before privileges are given up and while there is one thread.  Without the
 * variable nothing is ever sent.
 */
void notify_open(void);

bool notify_is_open(void);

/* True if the variable names a socket in the abstract namespace of Linux. */
bool notify_is_abstract(void);

/*
 * Sends one message, with n descriptors, which stay open here.  -1 with EAGAIN:
 * the service manager has too much to read, so the message may be sent again
 * later.  Any other failure would come again.
 */
int notify_send(const char *text, const int *descriptors, size_t n);

void notify_close(void);

#endif
