/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how many of a number of places each host of a LAN has, so that one alone
 * cannot take all of them. Pure. (Among a concentrator's sites: share.h.)
 *
 * The rule: a host may take another place while it has fewer than are free. So
 * one alone comes to half of all, two to a third each, and however many there
 * are, something is free for the next; nothing is set aside for who does not
 * need it. As an IPv6 host can have any number of addresses, those of a /64
 * together have TALLY_NETWORK_OF_FREE times as many as are free: three quarters
 * of all at most.
 */
#ifndef PROXY_TALLY_H
#define PROXY_TALLY_H

#include "agg/base/addr.h"

#include <stdbool.h>

#define TALLY_NETWORK_OF_FREE 3

struct tally;

struct tally *tally_create(unsigned places); /* NULL: errno */
void tally_destroy(struct tally *t);         /* NULL is fine */

/* A place for the host, whatever its port. False: it has its share, or memory
 * is short. */
bool tally_take(struct tally *t, const struct addr *host);
/* One that was taken. */
void tally_give(struct tally *t, const struct addr *host);
unsigned tally_of(const struct tally *t, const struct addr *host);
unsigned tally_used(const struct tally *t);

#endif
