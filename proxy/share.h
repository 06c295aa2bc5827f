/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what all sites of a concentrator use of the way out, and each one's part
 * of it, so that none is shut out by another. Pure. (Among a LAN's hosts:
 * tally.h.)
 *
 * The rule: a site may take another place while it has less than
 * SHARE_OF_FREE times as many as are free. Where there is one site alone, it has
 * all. Of several, one comes to four fifths, and leaves a fifth; as its
 * connections come and go, two that want all come to four ninths each, n to
 * 4 / (4 n + 1). No part is set aside for who does not need it.
 */
#ifndef PROXY_SHARE_H
#define PROXY_SHARE_H

#include "proxy/throttle.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARE_OF_FREE 4
#define SHARE_BEGINS_MAX 16 /* of a turn */

enum share_kind { SHARE_DIALS, SHARE_NAMES, SHARE_RELAYS };
#define SHARE_COUNT 3


struct share_pool {
	unsigned sites; /* that have a part */
	unsigned max[SHARE_COUNT], used[SHARE_COUNT];
};

/* One site's. Lives until share_destroy and the last share_give. */
struct share;
/* whose: for the log, copied. The pool outlives it. NULL: errno */
struct share *share_create(struct share_pool *pool, const char *whose);
void share_destroy(struct share *share); /* NULL is fine */

/* Takes a place. False: it has its part already; logged when it begins, and
 * again only after it had half of that. A NULL share always may. */
bool share_take(struct share *share, enum share_kind kind);
void share_give(struct share *share, enum share_kind kind);
/* May it begin one more connection in that turn of the loop? So many a turn, as
 * each costs more than the frame that asks for it. A NULL share always may. */
bool share_begins(struct share *share, uint64_t turn);
/* How fast it may be; NULL of NULL. */
struct throttle *share_throttle(struct share *share);
unsigned share_used(const struct share *share, enum share_kind kind);

#endif
