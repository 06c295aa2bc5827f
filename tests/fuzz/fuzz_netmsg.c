/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: rtnetlink messages, one after the other as a dump has them, parsed and
 * gathered in a table. What comes out must hold together.
 */
#include "agg/kernel/nettable.h"

#include <assert.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ip(const struct nettable *t, const struct netdev_ip *ip,
                     sa_family_t family)
{
	assert(ip->sources_count <= NETDEV_SOURCES_MAX);
	for (unsigned i = 0; i < ip->sources_count; i++) {
		assert(ip->sources[i].family == family);
		assert(nettable_is_local(t, &ip->sources[i]));
	}
	assert(!ip->route.exists || ip->route.nexthops <= NETMSG_HOPS_MAX);
}

static void check(const struct nettable *t)
{
	const struct netdev *dev;

	for (unsigned i = 0; (dev = nettable_at(t, i)); i++) {
		assert(dev->ifindex > 0 && strlen(dev->name) < IFNAMSIZ);
		assert(netdev_equal(dev, dev));
		check_ip(t, &dev->v4, AF_INET);
		check_ip(t, &dev->v6, AF_INET6);
		for (unsigned k = 0; k < dev->connected_count; k++)
			assert(dev->connected[k].length <= 128);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nettable *t = nettable_create();
	uint8_t *bytes = malloc(size ? size : 1); /* aligned, as a buffer is */
	size_t at = 0;

	assert(t && bytes);
	memcpy(bytes, data, size);
	while (size - at >= MNL_NLMSG_HDRLEN) {
		const struct nlmsghdr *msg = (const void *)(bytes + at);
		struct netmsg parsed;
		if (msg->nlmsg_len < MNL_NLMSG_HDRLEN || msg->nlmsg_len > size - at)
			break;
		if (!netmsg_parse(&parsed, msg, size - at)) {
			nettable_add(t, &parsed);
			(void)nettable_knows(t, &parsed);
		}
		at += MNL_ALIGN(msg->nlmsg_len);
		if (at > size)
			break;
	}
	assert(nettable_finish(t) == 0);
	check(t);
	nettable_destroy(t);
	free(bytes);
	return 0;
}
