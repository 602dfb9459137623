/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/settings.h"

const struct settings settings_without_options = {
    .linger_ms = 5 * 1000,
    .greeting_ms = 5 * 1000,
    .quiet_ms = 1000,
    /*
     * Linux doubles these.  So a peer that sends and never reads makes it hold
     * about 190 KiB; with the sizes that it chooses itself, over 4 MiB.  Bulk
     * needs larger ones: a receive buffer of 512 KiB makes one stream 1.4 times
     * as fast as one of 64 KiB.
     */
    .send_buffer = 48 * 1024,
    .receive_buffer = 48 * 1024,
    .large_buffer = 2 * 1024 * 1024,
};
