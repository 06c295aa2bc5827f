/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see uthash.h beside it.
 */
#include <uthash.h>

static UT_hash_bucket *bucket_of(const UT_hash_table *table, unsigned hash)
{
	return table->buckets + (hash & (table->num_buckets - 1));
}

static unsigned hash_of(const void *key, unsigned length)
{
	unsigned hash;

	HASH_JEN(key, length, hash);
	return hash;
}

void *router_hash_find(const UT_hash_table *table, const void *key, unsigned length)
{
	UT_hash_handle *at;
	unsigned hash;

	if (!table)
		return NULL;
	hash = hash_of(key, length);
	for (at = bucket_of(table, hash)->hh_head; at; at = at->hh_next)
		if (at->hashv == hash && at->keylen == length &&
		    !memcmp(at->key, key, length))
			return ELMT_FROM_HH(table, at);
	return NULL;
}

/* As HASH_MAKE_TABLE, for an element of any type. */
static UT_hash_table *make(UT_hash_handle *hh, void *element)
{
	UT_hash_table *table = calloc(1, sizeof(*table));

	if (!table || !(table->buckets = calloc(HASH_INITIAL_NUM_BUCKETS,
	                                        sizeof(*table->buckets))))
		uthash_fatal("out of memory");
	table->num_buckets = HASH_INITIAL_NUM_BUCKETS;
	table->log2_num_buckets = HASH_INITIAL_NUM_BUCKETS_LOG2;
	table->hho = (char *)hh - (char *)element;
	table->signature = HASH_SIGNATURE;
	return table;
}

void router_hash_add(UT_hash_table *table, UT_hash_handle *hh, void *element,
                     const void *key, unsigned length)
{
	hh->prev = hh->next = NULL;
	if (!table) {
		table = make(hh, element);
	} else {
		hh->prev = ELMT_FROM_HH(table, table->tail);
		table->tail->next = element;
	}
	table->tail = hh;
	table->num_items++;
	hh->tbl = table;
	hh->key = key;
	hh->keylen = length;
	hh->hashv = hash_of(key, length);
	HASH_ADD_TO_BKT(*bucket_of(table, hh->hashv), hh, hh, false);
}

void *router_hash_delete(void *head, UT_hash_handle *hh)
{
	UT_hash_table *table = hh->tbl;

	if (!hh->prev && !hh->next) {
		free(table->buckets);
		free(table);
		return NULL;
	}
	if (hh == table->tail)
		table->tail = HH_FROM_ELMT(table, hh->prev);
	if (hh->prev)
		HH_FROM_ELMT(table, hh->prev)->next = hh->next;
	else
		head = hh->next;
	if (hh->next)
		HH_FROM_ELMT(table, hh->next)->prev = hh->prev;
	HASH_DEL_IN_BKT(*bucket_of(table, hh->hashv), hh);
	table->num_items--;
	return head;
}
