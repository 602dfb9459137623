/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/settings.h"

const struct settings settings_without_options = {
    .linger_ms = 5 * 1000,
    .quiet_ms = 1000,
    /* One stream is 1.4 times as fast with 512 KiB as it is with 64 KiB. */
    .large_buffer = 2 * 1024 * 1024,
};
