/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: uthash for the smallest build (-Dprofile=router), where it stands before the
 * library's: what its macros write out wherever a table is asked or grows is here
 * two functions (hash.c).
 */
#ifndef AGG_BASE_ROUTER_UTHASH_H
#define AGG_BASE_ROUTER_UTHASH_H

#define HASH_FUNCTION(key, length, hash) ((hash) = router_hash(key, length))
#include_next <uthash.h>

unsigned router_hash(const void *key, unsigned length);
void router_hash_expand(UT_hash_table *table);

#ifndef ROUTER_HASH_OWN
#undef HASH_EXPAND_BUCKETS
#define HASH_EXPAND_BUCKETS(hh, table, oomed) router_hash_expand(table)
#endif

#endif
