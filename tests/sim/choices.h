/* SPDX-License-Identifier: ISC */
/*
 * The settings of a run.  They are exchanged as a reload does it: there are two
 * objects, and the one that is not in use may be read by nobody, which the
 * processor sees to.
 */
#ifndef CHOICES_H
#define CHOICES_H

#include "server/settings.h"

#include <stdbool.h>

/* Draws those of a run, and returns them. */
const struct settings *choices_begin(void);

/* Those in force. */
const struct settings *choices_now(void);

/*
 * Draws others and returns them; the last ones are in use until choices_settle.
 * A restart may change all of them.
 */
const struct settings *choices_change(bool restarts);

/* Nobody uses any but the last ones any longer. */
void choices_settle(void);

#endif
