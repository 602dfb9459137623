/* SPDX-License-Identifier: ISC */
/* The system calls that a filter refuses whatever their arguments are. */
#ifndef SANDBOX_CALLS_H
#define SANDBOX_CALLS_H

#include <stddef.h>

enum call_answer {
	CALL_REFUSED, /* EPERM */
	CALL_MISSING, /* ENOSYS, at which a C library does it in another way */
	CALL_FATAL    /* the process is killed: no accident asks for that */
};

struct refused_call {
	const char *name;
	unsigned number;
	enum call_answer answer;
};

extern const struct refused_call refused_calls[];
extern const size_t nrefused_calls;

#endif
