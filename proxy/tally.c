/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tally.h. Owns an entry for each host that has a place; so there are
 * never more entries than places.
 */
#include "proxy/tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct key { /* without padding: it is hashed */
	uint32_t family, scope_id;
	uint8_t ip[16];
};

struct host {
	struct key key;
	unsigned count;
	UT_hash_handle hh; /* tally.hosts */
};

struct tally {
	unsigned places, used;
	struct host *hosts;
};

static struct key key_of(const struct addr *a)
{
	struct key key = { .family = a->family };

	memcpy(key.ip, a->ip, a->family == AF_INET ? 4 : 16);
	if (a->family == AF_INET6)
		key.scope_id = a->scope_id;
	return key;
}

static struct host *find(const struct tally *t, const struct addr *a)
{
	struct key key = key_of(a);
	struct host *host;

	HASH_FIND(hh, t->hosts, &key, sizeof(key), host);
	return host;
}

static struct host *add(struct tally *t, const struct addr *a)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	host->key = key_of(a);
	HASH_ADD(hh, t->hosts, key, sizeof(host->key), host);
	return host;
}

struct tally *tally_create(unsigned places)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (t)
		t->places = places;
	return t;
}

void tally_destroy(struct tally *t)
{
	struct host *host, *tmp;

	if (!t)
		return;
	HASH_ITER(hh, t->hosts, host, tmp) {
		HASH_DEL(t->hosts, host);
		free(host);
	}
	free(t);
}

bool tally_take(struct tally *t, const struct addr *a)
{
	struct host *host = find(t, a);

	if ((host ? host->count : 0) >= t->places - t->used)
		return false;
	if (!host)
		host = add(t, a);
	if (!host)
		return false;
	host->count++;
	t->used++;
	return true;
}

void tally_give(struct tally *t, const struct addr *a)
{
	struct host *host = find(t, a);

	assert(host && host->count && t->used);
	t->used--;
	if (--host->count)
		return;
	HASH_DEL(t->hosts, host);
	free(host);
}

unsigned tally_of(const struct tally *t, const struct addr *a)
{
	const struct host *host = find(t, a);

	return host ? host->count : 0;
}

unsigned tally_used(const struct tally *t)
{
	return t->used;
}
