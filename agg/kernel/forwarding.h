/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: may this host pass on packets of others? What a tunnel needs of the kernel's
 * settings for that, looked at and turned on. They stay on: others may rely on them
 * by then.
 */
#ifndef AGG_KERNEL_FORWARDING_H
#define AGG_KERNEL_FORWARDING_H

#include <stddef.h>

#define FORWARDING_WORDS_MAX 192

/* Turns on what lacks, of both families; where that would make a device deaf to
 * the router that gives it its address (accept_ra 1), it is told to go on listening
 * (2). changed gets the names of what was changed, "" where nothing was, and lacks
 * what could not be. folder: SYSCTL_FOLDER. 0, or -errno: the last failure. */
int forwarding_enable(const char *folder, char changed[FORWARDING_WORDS_MAX],
                      char lacks[FORWARDING_WORDS_MAX]);

#endif
