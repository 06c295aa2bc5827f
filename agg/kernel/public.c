/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see public.h. getifaddrs(3). What is not public: RFC 6890, RFC 4291.
 */
#include "agg/kernel/public.h"

#include <ifaddrs.h>
#include <stddef.h>

static const struct prefix inner[] = {
	{ AF_INET, 8, { 0 } },
	{ AF_INET, 8, { 10 } },
	{ AF_INET, 10, { 100, 64 } },
	{ AF_INET, 8, { 127 } },
	{ AF_INET, 16, { 169, 254 } },
	{ AF_INET, 12, { 172, 16 } },
	{ AF_INET, 24, { 192, 0, 0 } },
	{ AF_INET, 16, { 192, 168 } },
	{ AF_INET, 15, { 198, 18 } },
	{ AF_INET, 3, { 224 } },
	{ AF_INET6, 8, { 0 } },
	{ AF_INET6, 10, { 0xfe, 0x80 } },
	{ AF_INET6, 10, { 0xfe, 0xc0 } },
	{ AF_INET6, 7, { 0xfc } },
	{ AF_INET6, 8, { 0xff } },
};

bool public_is(const struct addr *a)
{
	for (unsigned i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
		if (prefix_has(&inner[i], a))
			return false;
	return a->family == AF_INET || a->family == AF_INET6;
}

static unsigned add(const struct ifaddrs *list, sa_family_t family,
                    unsigned most, struct addr *out)
{
	unsigned n = 0;
	struct addr a;

	for (const struct ifaddrs *i = list; i && n < most; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != family ||
		    !addr_from_sockaddr(&a, i->ifa_addr) || !public_is(&a))
			continue;
		a.port = 0;
		a.scope_id = 0;
		out[n++] = a;
	}
	return n;
}

unsigned public_read(unsigned per_family, struct addr *out)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return 0;
	unsigned n = add(list, AF_INET, per_family, out);
	n += add(list, AF_INET6, per_family, out + n);
	freeifaddrs(list);
	return n;
}
