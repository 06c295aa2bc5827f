/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a table of ours and its rules shall be, which rules of the kernel's
 * list are of it, and where ours have to stand: the decisions of route.c. Pure.
 */
#ifndef AGG_KERNEL_ROUTEPLAN_H
#define AGG_KERNEL_ROUTEPLAN_H

#include "agg/kernel/route.h"
#include "agg/kernel/rules.h"
#include "agg/kernel/ways.h"

#define ROUTEPLAN_RULES_MAX (ROUTE_LAN_DEVICES_MAX + 3) /* an uplink's */
#define ROUTEPLAN_WAYS_MAX (ROUTE_CONNECTED_MAX + 1)

/* A table of one family as it shall be. */
struct routeplan {
	sa_family_t family;
	uint32_t table;
	uint32_t mark, mask; /* TPROXY's or a tunnel's; 0: it is of the uplink */
	uint32_t way, way_mask; /* the mark that leads to the uplink; mask 0: none */
	char devices[ROUTE_LAN_DEVICES_MAX][IFNAMSIZ]; /* where packets come in */
	unsigned device_count;
	char tunnel[IFNAMSIZ]; /* with a mark: by that device; "": TPROXY's */
	struct route_uplink uplink; /* its connected: of the next */
	struct prefix connected[ROUTE_CONNECTED_MAX];
};

/* The device of its routes, and whose they are, for a person. */
const char *routeplan_device(const struct routeplan *p);
const char *routeplan_whose(const struct routeplan *p);

/* Its routes; ifindex: of that device. */
unsigned routeplan_ways(const struct routeplan *p, int ifindex,
                        struct way out[ROUTEPLAN_WAYS_MAX]);

/* Where ours stand. */
struct routeplan_place {
	uint32_t first, step;       /* preferences; step 0: all at the first */
	const struct rule *avoided; /* another's, before which they go; NULL */
	const struct rule *before;  /* and one before which they cannot; NULL */
};
/* At the preference, or before the first rule of others that comes before that
 * and may lead away what ours are for; all at one where there is no more room,
 * as the kernel keeps those in the order in which they were added. */
struct routeplan_place routeplan_place(const struct rules_list *rules,
                                       uint32_t preference);

/* The rules of the table at that place. */
unsigned routeplan_rules(const struct routeplan *p,
                         const struct routeplan_place *place,
                         struct rule out[ROUTEPLAN_RULES_MAX]);

/* The same rule of ours: at its preference, or else at another. NULL: none. */
const struct rule *routeplan_find(const struct rules_list *rules,
                                  const struct rule *want);
/* Is it of the table: ours and to it, or to the main one for a source that has
 * one to it? */
bool routeplan_owns(const struct rules_list *rules, const struct rule *rule,
                    uint32_t table);

#endif
