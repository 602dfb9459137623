/* SPDX-License-Identifier: ISC */
/* What the poller and its back ends have in common. */
#ifndef POLLER_INTEREST_H
#define POLLER_INTEREST_H

enum poller_interest {
	POLLER_NOTHING, /* silent, and out of the kernel's set */
	POLLER_INPUT,
	POLLER_OUTPUT
};

/*
 * The most events that one wait returns.  1,000 connections that are all ready
 * take 5 waits for 1,000 messages, 16 if it were 64, and 3 if it were 1,024.
 */
#define POLLER_BATCH 256

#endif
