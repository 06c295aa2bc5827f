/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: may somebody else's firewall drop what passes through the packet tunnel? Read
 * from what `nft list ruleset` says, where iptables of today stands, too. Pure.
 */
#ifndef AGG_DOCTOR_FIREWALL_H
#define AGG_DOCTOR_FIREWALL_H

#include <stdbool.h>

#define FIREWALL_WORDS_MAX 127

/* The first chain of the forward hook, not of our tables, that drops or refuses what no
 * rule of its lets pass, and whose table does not speak of a device that begins with this
 * name: "ip filter FORWARD". False: there is none. */
bool firewall_drops(const char *ruleset, const char *device,
                    char chain[FIREWALL_WORDS_MAX + 1]);

#endif
