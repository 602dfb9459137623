/* SPDX-License-Identifier: ISC */
/* Addresses as values of options: see config/rows.h. */
#ifndef ADDRESS_OPTION_H
#define ADDRESS_OPTION_H

#include "config/option.h"

extern const struct option_kind option_address, option_listen;

/* An address of a server, and an array of those to listen on with its count. */
#define ADDRESS(member) OF_KIND(member, struct address, option_address)
#define ADDRESSES(member, count)                                               \
	LIST(member, count, struct address, option_listen)

#endif
