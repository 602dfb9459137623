/* SPDX-License-Identifier: ISC */
/*
 * What goes wrong in a run: system calls that fail or move less than they
 * could, untrue events, and events in an unusual order.  How often each kind
 * happens is random for each run, so that each is also met alone.  The hooks
 * call the rules as well.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "fake/kernel.h"

#include <stdbool.h>
#include <stddef.h>

/* How many system calls all runs made, and how many were made to fail. */
extern size_t faults_calls, faults_made;

extern const struct kernel_hooks faults_hooks;

/* Draws what goes wrong from now on, while the server starts. */
void faults_draw(void);

/* The server has started. */
void faults_serve(void);

/* Nothing goes wrong during a pause; there may be one in another. */
void faults_pause(bool);

/* The chance that a thread is woken for nothing, in a thousand. */
unsigned faults_wakes(void);

/* True when a connection is to be reported as ready although it is not. */
bool faults_are_untrue(void);

#endif
