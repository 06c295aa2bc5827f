/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: why no answer comes by an uplink: with rp_filter=1 the kernel drops what
 * comes in by another device than the one by which it would send back, and says
 * so to nobody. Our rule `from ADDRESS` shows it the right one, unless a rule or
 * a route of others comes first.
 */
#ifndef AGG_KERNEL_RPFILTER_H
#define AGG_KERNEL_RPFILTER_H

#include "agg/base/addr.h"

#define RPFILTER_WORDS_MAX 112

/* Is what comes from peer to our address by that device dropped? Then why, in
 * words. root: of the files of sysctl, NULL: "/proc/sys". */
bool rpfilter_drops(const char *root, const char *device,
                    const struct addr *own, const struct addr *peer,
                    char why[RPFILTER_WORDS_MAX]);

#endif
