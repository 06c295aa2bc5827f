/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see uthash.h beside it.
 */
#define ROUTER_HASH_OWN
#include <uthash.h>

unsigned router_hash(const void *key, unsigned length)
{
	unsigned hash;

	HASH_JEN(key, length, hash);
	return hash;
}

void router_hash_expand(UT_hash_table *table)
{
	HASH_EXPAND_BUCKETS(hh, table, false);
}
