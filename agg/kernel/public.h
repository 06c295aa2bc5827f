/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how this host looks from the Internet, as far as its own addresses tell.
 */
#ifndef AGG_KERNEL_PUBLIC_H
#define AGG_KERNEL_PUBLIC_H

#include "agg/base/addr.h"

/* Not private, link-local, shared (CGNAT), loopback or multicast. */
bool public_is(const struct addr *a);
/* The public ones of the host's devices, port 0, at most per_family of each, IPv4
 * first; how many: 0 too where the kernel does not tell. */
unsigned public_read(unsigned per_family, struct addr *out);

#endif
