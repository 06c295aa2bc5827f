/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whether TPROXY works for what comes in by a bridge. The module
 * br_netfilter, which Docker and others load, leads a bridge's packets through
 * the hooks of IP before the bridge hands them up; there the socket that TPROXY
 * chose is forgotten, so that every new connection ends nowhere.
 */
#ifndef AGG_KERNEL_BRIDGE_H
#define AGG_KERNEL_BRIDGE_H

#include <stdbool.h>
#include <sys/socket.h>

/* Where the kernel tells; NULL: "/proc/sys" and "/sys". */
struct bridge_roots {
	const char *proc_sys, *sys;
};

/* Is device a bridge whose packets of that family go that way? False also
 * where it cannot be known. */
bool bridge_hides(const struct bridge_roots *roots, const char *device,
                  sa_family_t family);
/* The same, of a device that is known to be a bridge. */
bool bridge_is_filtered(const struct bridge_roots *roots, const char *device,
                        sa_family_t family);

#endif
