/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what both roles share.
 */
#include "agg/role/role.h"

#include "agg/base/log.h"
#include "agg/kernel/arp.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/route.h"

#include <errno.h>

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

int role_cleanup(void)
{
	struct kerr err = { "" };
	struct route *route = route_create(&err);
	int rc = route ? route_cleanup(route, &err) : -errno;

	if (rc < 0)
		log_sys("clean-up: %s", err.text);
	route_destroy(route);
	restore_arp();
	int nft = nft_cleanup(&err);
	if (nft < 0)
		log_sys("clean-up: %s", err.text);
	return rc < 0 || nft < 0 ? -1 : 0;
}
