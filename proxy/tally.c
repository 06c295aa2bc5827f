/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tally.h. Owns an entry for each host and network that has a place; so
 * there are never more entries than places.
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
	struct host *networks; /* of IPv6 hosts, /64 */
};

static struct key key_of(const struct addr *a)
{
	struct key key = { .family = a->family };

	memcpy(key.ip, a->ip, a->family == AF_INET ? 4 : 16);
	if (a->family == AF_INET6)
		key.scope_id = a->scope_id;
	return key;
}

static struct key network_of(const struct addr *a)
{
	struct key key = key_of(a);

	memset(key.ip + 8, 0, 8);
	return key;
}

static struct host *find(struct host *table, const struct key *key)
{
	struct host *host;

	HASH_FIND(hh, table, key, sizeof(*key), host);
	return host;
}

static bool add(struct host **table, const struct key *key)
{
	struct host *host = find(*table, key);

	if (!host) {
		host = calloc(1, sizeof(*host));
		if (!host)
			return false;
		host->key = *key;
		HASH_ADD(hh, *table, key, sizeof(host->key), host);
	}
	host->count++;
	return true;
}

static void take_off(struct host **table, const struct key *key)
{
	struct host *host = find(*table, key);

	assert(host && host->count);
	if (--host->count)
		return;
	HASH_DEL(*table, host);
	free(host);
}

static unsigned count_of(struct host *table, const struct key *key)
{
	const struct host *host = find(table, key);

	return host ? host->count : 0;
}

static void clear(struct host **table)
{
	struct host *host, *tmp;

	HASH_ITER(hh, *table, host, tmp) {
		HASH_DEL(*table, host);
		free(host);
	}
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
	if (!t)
		return;
	clear(&t->hosts);
	clear(&t->networks);
	free(t);
}

bool tally_take(struct tally *t, const struct addr *a)
{
	struct key host = key_of(a), network = network_of(a);
	unsigned free_places = t->places - t->used;
	bool v6 = a->family == AF_INET6;

	if (count_of(t->hosts, &host) >= free_places)
		return false;
	if (v6 && count_of(t->networks, &network) >=
	    TALLY_NETWORK_OF_FREE * free_places)
		return false;
	if (!add(&t->hosts, &host))
		return false;
	if (v6 && !add(&t->networks, &network)) {
		take_off(&t->hosts, &host);
		return false;
	}
	t->used++;
	return true;
}

void tally_give(struct tally *t, const struct addr *a)
{
	struct key host = key_of(a), network = network_of(a);

	assert(t->used);
	t->used--;
	take_off(&t->hosts, &host);
	if (a->family == AF_INET6)
		take_off(&t->networks, &network);
}

unsigned tally_of(const struct tally *t, const struct addr *a)
{
	struct key host = key_of(a);

	return count_of(t->hosts, &host);
}

unsigned tally_used(const struct tally *t)
{
	return t->used;
}
