/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_names.h.
 */
#include "agg/role/tunnel_names.h"

#include <stdio.h>
#include <string.h>

#define CUT "%.6s+%u" /* no name of a site has a plus */

void tunnel_device(const struct conf_site *site, char out[IFNAMSIZ])
{
	if (strlen(TUNNEL_PREFIX) + strlen(site->name) < IFNAMSIZ)
		snprintf(out, IFNAMSIZ, TUNNEL_PREFIX "%.11s", site->name);
	else
		snprintf(out, IFNAMSIZ, TUNNEL_PREFIX CUT, site->name,
		         site->number % 10000);
}

struct prefix tunnel_inner4(const struct conf *conf, unsigned number)
{
	struct prefix p = { .family = AF_INET, .length = 32 };
	uint32_t ip;

	memcpy(&ip, conf->main.pool.ip, sizeof(ip));
	ip = htonl(ntohl(ip) + 1 + number);
	memcpy(p.ip, &ip, sizeof(ip));
	return p;
}

struct prefix tunnel_inner6(unsigned number)
{
	struct prefix p = { .family = AF_INET6, .length = 128,
	                    .ip = { 0xfd, 'a', 'g', 'g', 'd', 't', 'u', 'n' } };

	number++;
	p.ip[14] = (uint8_t)(number >> 8);
	p.ip[15] = (uint8_t)number;
	return p;
}
