/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: uthash for the smallest build (-Dprofile=router), where it stands before the
 * library's: what its macros write out wherever a table is asked, takes, gives up or
 * grows is here four functions (hash.c), on the library's own tables.
 */
#ifndef AGG_BASE_ROUTER_UTHASH_H
#define AGG_BASE_ROUTER_UTHASH_H

#include_next <uthash.h>

/* The element of that key; NULL: none, or no table yet. */
void *router_hash_find(const UT_hash_table *table, const void *key, unsigned length);
/* Puts element, whose handle is hh, at the end; a table is made where there is none. */
void router_hash_add(UT_hash_table *table, UT_hash_handle *hh, void *element,
                     const void *key, unsigned length);
/* Takes hh's element out, and the table with the last: gives the new head. */
void *router_hash_delete(void *head, UT_hash_handle *hh);

#define ROUTER_HASH_TABLE(head) ((head) ? (head)->hh.tbl : NULL)

#undef HASH_FIND
#define HASH_FIND(hh, head, key, length, out) \
	((out) = router_hash_find(ROUTER_HASH_TABLE(head), key, (unsigned)(length)))

#undef HASH_ADD
#define HASH_ADD(hh, head, field, length, add)                                   \
	do {                                                                     \
		router_hash_add(ROUTER_HASH_TABLE(head), &(add)->hh, add,        \
		                &(add)->field, (unsigned)(length));              \
		if (!(head))                                                     \
			(head) = (add);                                          \
	} while (0)

#undef HASH_DELETE
#define HASH_DELETE(hh, head, element) \
	((head) = router_hash_delete(head, &(element)->hh))

#endif
