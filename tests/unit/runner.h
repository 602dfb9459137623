/* SPDX-License-Identifier: ISC */
/* What a program of unit tests is: one suite, run by runner.c. */
#ifndef RUNNER_H
#define RUNNER_H

#include <check.h>

/* The members of an array. */
#define LENGTH(array) (int)(sizeof(array) / sizeof(array)[0])

/* Each program defines it. */
Suite *suite(void);

/* A thread that asserts something calls it first. */
void runner_begin_thread(void);

#endif
