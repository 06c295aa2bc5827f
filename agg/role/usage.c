/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see usage.h. Packets come in rows of one host's: the last is looked at first.
 */
#include "agg/role/usage.h"

#include <stdlib.h>
#include <string.h>

static struct usage_key key_of(const struct addr *a)
{
	struct usage_key key = { .family = a->family };

	memcpy(key.ip, a->ip, a->family == AF_INET ? 4 : 16);
	return key;
}

static struct usage_host *find(struct usage *u, const struct addr *a)
{
	struct usage_key key = key_of(a);
	struct usage_host *host = u->last;

	if (host && !memcmp(&host->key, &key, sizeof(key)))
		return host;
	HASH_FIND(hh, u->hosts, &key, sizeof(key), host);
	if (host || HASH_COUNT(u->hosts) >= USAGE_HOSTS_MAX)
		return host;
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	host->key = key;
	host->address = *a;
	HASH_ADD(hh, u->hosts, key, sizeof(host->key), host);
	return host;
}

void usage_add(struct usage *u, const struct addr *a, uint64_t down_bytes,
               uint64_t up_bytes)
{
	struct usage_host *host = find(u, a);

	if (host) {
		u->last = host;
		host->down_bytes += down_bytes;
		host->up_bytes += up_bytes;
	} else {
		u->down_bytes += down_bytes;
		u->up_bytes += up_bytes;
	}
}

static void forget(struct usage *u, struct usage_host *host)
{
	if (u->last == host)
		u->last = NULL;
	HASH_DEL(u->hosts, host);
	free(host);
}

void usage_each(struct usage *u, void (*on_host)(void *ctx, struct usage_host *host),
                void *ctx)
{
	struct usage_host *host, *tmp;

	HASH_ITER(hh, u->hosts, host, tmp) {
		host->quiet_s++;
		if (host->down_bytes || host->up_bytes) {
			on_host(ctx, host);
			host->quiet_s = 0;
			host->down_bytes = host->up_bytes = 0;
		} else if (host->quiet_s >= USAGE_REST_S) {
			forget(u, host);
		}
	}
}

void usage_finish(struct usage *u)
{
	struct usage_host *host, *tmp;

	HASH_ITER(hh, u->hosts, host, tmp)
		forget(u, host);
}
