/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see links.h. Pure.
 */
#include "agg/role/links.h"

#include <string.h>

static bool overlap(const struct prefix *a, const struct prefix *b)
{
	unsigned bits = a->length < b->length ? a->length : b->length;

	for (unsigned i = 0; i < bits; i++)
		if ((a->ip[i / 8] ^ b->ip[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static bool share(const struct netdev *a, const struct netdev *b)
{
	for (unsigned i = 0; i < a->connected_count; i++)
		for (unsigned k = 0; k < b->connected_count; k++)
			if (a->connected[i].family == AF_INET &&
			    b->connected[k].family == AF_INET &&
			    overlap(&a->connected[i], &b->connected[k]))
				return true;
	return false;
}

void links_find(const struct netdev *const *devs, unsigned count,
                struct links *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < count; i++) {
		bool shared = false;
		for (unsigned k = 0; k < count && devs[i]; k++)
			shared |= k != i && devs[k] && share(devs[i], devs[k]);
		if (shared && out->count < CONF_UPLINKS_MAX)
			memcpy(out->devices[out->count++], devs[i]->name, IFNAMSIZ);
	}
}

bool links_equal(const struct links *a, const struct links *b)
{
	return a->count == b->count &&
	       !memcmp(a->devices, b->devices, sizeof(a->devices));
}
