/* SPDX-License-Identifier: ISC */
/*
 * The addresses of a server, for a client that does not want to wait for them
 * for ever: getaddrinfo(3) has no limit of its own, and takes minutes where no
 * name server answers.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "net/address.h"

#include <stdint.h>

/*
 * As address_resolve, but for at most timeout milliseconds (0: as long as that
 * takes).  What takes longer is EAI_SYSTEM with ETIMEDOUT.  It goes on then in
 * a thread, so this is called once, by a program that ends soon after a
 * failure.
 */
int lookup_run(
    const struct address *, int family, uint32_t timeout, struct addrinfo **);

#endif
