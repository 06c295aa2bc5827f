/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: our routes in the kernel's tables, as plain structs: those that carry
 * our protocol (ROUTE_PROTOCOL) are read by table, added, and removed.
 */
#ifndef AGG_KERNEL_WAYS_H
#define AGG_KERNEL_WAYS_H

#include "agg/base/addr.h"

#include <stdbool.h>
#include <stdint.h>

#define WAYS_TIMEOUT_MS 500 /* no answer of the kernel is awaited longer */

struct ways; /* the connection */
struct nl_object;

/* One route. */
struct way {
	sa_family_t family;
	uint32_t table;
	bool local;          /* to the host itself; else by the device */
	struct prefix dest;
	int ifindex;
	struct addr gateway; /* AF_UNSPEC: none */
	struct addr source;  /* preferred, or AF_UNSPEC */
};

struct ways_found {
	struct way way;
	struct nl_object *object; /* to remove it by */
};
struct ways_list {
	struct ways_found *items;
	unsigned count, cap;
};

struct ways *ways_create(void); /* NULL: errno */
void ways_destroy(struct ways *w);

/* Ours of the table (0: of all tables) and family. 0 or -errno. Finish *out in
 * every case. */
int ways_read(struct ways *w, sa_family_t family, uint32_t table,
              struct ways_list *out);
void ways_list_finish(struct ways_list *list);

/* Takes the place of one with the same destination. 0 or -errno, and the
 * kernel's words for it, or "", are in ways_reason(). */
int ways_put(struct ways *w, const struct way *way);
int ways_remove(struct ways *w, struct ways_found *found); /* absent: 0 */
const char *ways_reason(const struct ways *w);

bool way_equal(const struct way *a, const struct way *b);

#endif
