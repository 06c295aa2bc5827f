/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what both roles share.
 */
#include "agg/role/role.h"

#include "agg/base/heap.h"
#include "agg/base/log.h"
#include "agg/kernel/arp.h"
#include "agg/kernel/memory.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/route.h"
#include "agg/transport/tls.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

void role_init(struct role *role, const struct role_ops *ops, struct loop *loop,
               const struct conf *conf, struct netmon *netmon)
{
	*role = (struct role){ .ops = ops, .loop = loop, .conf = conf,
	                       .netmon = netmon };
	if (getrandom(&role->process, sizeof(role->process), 0) < 0)
		log_sys("no random numbers: %s", strerror(errno));
	role->process |= 1;
	budget_init(&role->memory, memory_there_is("/proc", MEMORY_GROUPS) / 2, NULL);
}

void role_tidy_memory(struct role *role)
{
	bool calm = role_is_calm(&role->calm_s, role->ops->streams(role));

	if (calm) {
		tls_rest();
		loop_rest(role->loop);
		heap_trim();
	}
	heap_trim_fallen(&role->memory);
}

/* The ARP settings of devices get back what they had. */
static void restore_arp(void)
{
	char journal[ARP_PATH_MAX];
	const struct arp_place place = { .journal = journal };
	struct kerr err = { "" };

	if (!arp_journal_path(journal) &&
	    arp_keep_apart(&place, NULL, 0, &err) < 0)
		log_sys("clean-up: %s", err.text);
}

int role_cleanup_routes(void)
{
	struct kerr err = { "" };
	struct route *route = route_create(&err);
	int rc = route ? route_cleanup(route, &err) : -errno;

	if (rc < 0)
		log_sys("clean-up: %s", err.text);
	route_destroy(route);
	restore_arp();
	return rc < 0 ? -1 : 0;
}

int role_cleanup(void)
{
	struct kerr err = { "" };
	int rc = role_cleanup_routes(), nft = nft_cleanup(&err);

	if (nft < 0)
		log_sys("clean-up: %s", err.text);
	return rc < 0 || nft < 0 ? -1 : 0;
}
