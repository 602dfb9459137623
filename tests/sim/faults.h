/* SPDX-License-Identifier: ISC */
/*
 * What goes wrong in a run: system calls that fail, or move less than they
 * could, or are told of what is not true, in an order that nobody expects.
 * How often each of it happens is drawn for each run, so that each of it is
 * also seen alone.  The hooks call the rules as well.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "fake/kernel.h"

#include <stdbool.h>
#include <stddef.h>

/* All system calls of all runs, and those of them that were made to fail. */
extern size_t faults_calls, faults_made;

extern const struct kernel_hooks faults_hooks;

/* Draws what goes wrong from now on, while the server starts. */
void faults_draw(void);

/* It has started. */
void faults_serve(void);

/* Nothing goes wrong during a pause. */
void faults_pause(bool);

/* The chance of a thread to be woken for nothing, in a thousand. */
unsigned faults_wakes(void);

/* True when the next event of a connection is to be untrue. */
bool faults_are_untrue(void);

#endif
