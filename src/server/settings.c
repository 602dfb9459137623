/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "server/settings.h"

const struct settings settings_without_options = {
    .linger_ms = 5 * 1000,
    .greeting_ms = 5 * 1000,
    .quiet_ms = 1000,
    /*
     * One stream is 1.4 times as fast with 512 KiB as it is with 64 KiB, and 2
     * MiB make no difference that can be measured.  With the small ones of
     * 1,000 clients that never read it makes 236 MiB.
     */
    .large_buffer = 1536 * 1024,
};
