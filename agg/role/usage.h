/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what each host of the LAN sent and got since it was asked last: a table by
 * address, for whoever carries something of theirs. Pure.
 */
#ifndef AGG_ROLE_USAGE_H
#define AGG_ROLE_USAGE_H

#include "agg/base/addr.h"

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#define USAGE_HOSTS_MAX 256u
#define USAGE_REST_S 600u    /* without a byte, then it is forgotten */
#define USAGE_NAME_MAX (ADDR_TEXT_MAX - 1)

struct usage_key { /* without padding: it is hashed */
	uint32_t family;
	uint8_t ip[16];
};

struct usage_host {
	struct usage_key key;
	struct addr address;
	char name[USAGE_NAME_MAX + 1]; /* whose it is; "": not asked yet */
	uint64_t down_bytes, up_bytes; /* since usage_each() */
	unsigned quiet_s;
	UT_hash_handle hh; /* usage.hosts */
};

/* All 0 at first. */
struct usage {
	struct usage_host *hosts;
	struct usage_host *last;       /* that was added to; NULL */
	uint64_t down_bytes, up_bytes; /* of those that there is no room for */
};

/* Whatever its port. */
void usage_add(struct usage *u, const struct addr *host, uint64_t down_bytes,
               uint64_t up_bytes);
/* Once a second: who had something, and what; that is 0 then. */
void usage_each(struct usage *u, void (*on_host)(void *ctx, struct usage_host *host),
                void *ctx);
void usage_finish(struct usage *u);

#endif
