/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what must hold of a concentrator's sections: pool, sites and their networks,
 * forwards, addresses. Of thousands of sites nothing costs more than n log n.
 */
#include "agg/conf/check_impl.h"

#include "agg/conf/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REACH4_MIN 8
#define REACH6_MIN 32

/* The line is that of a site's section, in whatever file it stands. */
#define FAIL_SITE(c, site, ...) \
	conf_error_set((c)->error, conf_site_file((c)->conf, site, (c)->file), \
	               (site)->line, __VA_ARGS__)

/* Can a host of a LAN, or some in that network, be reached there at all? */
static bool is_reachable(sa_family_t family, const uint8_t *ip)
{
	static const uint8_t ip6_own[16] = { [15] = 1 };

	if (family == AF_INET) /* 0/8, 127/8, 169.254/16, 224/3 */
		return *ip && *ip != 127 && *ip < 224 && !(*ip == 169 && ip[1] == 254);
	return *ip != 0xff && !(*ip == 0xfe && (ip[1] & 0xc0) == 0x80) &&
	       memcmp(ip, ip6_own, sizeof(ip6_own));
}

/* At all addresses a forward is for those of the family of the host to which it leads;
 * [::], to which gateways connect, takes IPv4, too. */
static bool is_gateways(const struct conf_forward *forward, const struct addr *listen)
{
	sa_family_t family = forward->to.family;

	return forward->listen.port == listen->port &&
	       (listen->family == family ||
	        (addr_is_any(listen) && listen->family == AF_INET6)) &&
	       (addr_is_any(&forward->listen) || addr_is_any(listen) ||
	        addr_equal(&forward->listen, listen));
}

static bool is_of_both(const struct conf_forward *a, const struct conf_forward *b)
{
	return a->protocol == b->protocol || a->protocol == CONF_PROTOCOL_BOTH ||
	       b->protocol == CONF_PROTOCOL_BOTH;
}

/* Nothing would come to the later one. */
static bool covers(const struct conf_forward *early, const struct conf_forward *late)
{
	return is_of_both(early, late) && early->to.family == late->to.family &&
	       early->listen.port == late->listen.port &&
	       (addr_is_any(&early->listen) || addr_equal(&early->listen, &late->listen));
}

static int check_forward_listen(const struct check *c, unsigned at)
{
	const struct conf_forward *forward = &c->conf->forwards[at];
	const struct conf_main *main = &c->conf->main;
	char text[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < main->listen_count; i++)
		if (is_gateways(forward, &main->listen[i]))
			return FAIL(c, forward->line, "forward '%s': gateways connect "
			            "to listen '%s'; needed: another port",
			            forward->name, addr_format(&main->listen[i], text));
	addr_format(&forward->listen, text);
	for (unsigned i = 0; i < at; i++)
		if (covers(&c->conf->forwards[i], forward))
			return FAIL(c, forward->line, "forward '%s': listen '%s' is "
			            "taken by forward '%s' in line %u", forward->name,
			            text, c->conf->forwards[i].name,
			            c->conf->forwards[i].line);
	return 0;
}

static int check_forwards(const struct check *c)
{
	char text[ADDR_TEXT_MAX];
	int err = 0;

	for (unsigned i = 0; !err && i < c->conf->forward_count; i++) {
		const struct conf_forward *forward = &c->conf->forwards[i];
		if (!conf_find_site(c->conf, forward->site))
			return FAIL(c, forward->line, "forward '%s': there is no site "
			            "'%s'; needed: config site '%s'", forward->name,
			            forward->site, forward->site);
		if (!is_reachable(forward->to.family, forward->to.ip) ||
		    !check_is_destination(&forward->to))
			return FAIL(c, forward->line, "forward '%s': nobody can be "
			            "reached at to '%s'", forward->name,
			            addr_format(&forward->to, text));
		if (!addr_is_any(&forward->listen) &&
		    forward->listen.family != forward->to.family)
			return FAIL(c, forward->line, "forward '%s': listen and to are "
			            "addresses of IPv4 and of IPv6; needed: both of one",
			            forward->name);
		if (!c->conf->main.tunnel)
			return FAIL(c, forward->line, "forward '%s': it goes through the "
			            "packet tunnel, which is off; needed: option tunnel "
			            "'1' in config aggd", forward->name);
		err = check_forward_listen(c, i);
	}
	return err;
}

static bool is_host(const struct prefix *p)
{
	return p->length == (p->family == AF_INET ? 32 : 128);
}

static bool is_listened_at(const struct conf_main *main, const struct prefix *address)
{
	for (unsigned i = 0; i < main->listen_count; i++)
		if (prefix_has(address, &main->listen[i]))
			return true;
	return false;
}

static int check_address(const struct check *c, unsigned at)
{
	const struct conf_address *a = &c->conf->addresses[at];
	char text[ADDR_TEXT_MAX];

	if (!conf_find_site(c->conf, a->site))
		return FAIL(c, a->line, "address '%s': there is no site '%s'; needed: "
		            "config site '%s'", a->name, a->site, a->site);
	if (!is_host(&a->address) || !is_host(&a->to) ||
	    a->address.family != a->to.family)
		return FAIL(c, a->line, "address '%s': address and to are no two "
		            "addresses of one family; allowed: as 203.0.113.7 and "
		            "192.168.1.10", a->name);
	if (!c->conf->main.tunnel)
		return FAIL(c, a->line, "address '%s': it goes through the packet "
		            "tunnel, which is off; needed: option tunnel '1' in config "
		            "aggd", a->name);
	if (!is_reachable(a->address.family, a->address.ip) ||
	    !is_reachable(a->to.family, a->to.ip))
		return FAIL(c, a->line, "address '%s': nobody can be reached at '%s'", a->name,
		            prefix_format(is_reachable(a->to.family, a->to.ip) ?
		                          &a->address : &a->to, text));
	prefix_format(&a->address, text);
	if (is_listened_at(&c->conf->main, &a->address))
		return FAIL(c, a->line, "address '%s': gateways connect to '%s'; "
		            "needed: another address", a->name, text);
	for (unsigned i = 0; i < at; i++)
		if (!memcmp(a->address.ip, c->conf->addresses[i].address.ip,
		            sizeof(a->address.ip)))
			return FAIL(c, a->line, "address '%s': '%s' is taken by "
			            "address '%s' in line %u", a->name, text,
			            c->conf->addresses[i].name,
			            c->conf->addresses[i].line);
	return 0;
}

/* A network of a site's, of one kind. */
struct reach {
	const struct prefix *net; /* in one array, in the order of reading */
	const struct conf_site *site;
};

static int check_reach(const struct check *c, const struct conf_site *site,
                       const struct prefix *net)
{
	char text[ADDR_TEXT_MAX];

	prefix_format(net, text);
	if (!is_reachable(net->family, net->ip) ||
	    net->length < (net->family == AF_INET ? REACH4_MIN : REACH6_MIN))
		return FAIL_SITE(c, site, "site '%s': reach '%s' is no site's network; "
		                 "allowed: /%d or longer of IPv4, /%d or longer of IPv6",
		                 site->name, text, REACH4_MIN, REACH6_MIN);
	if (!c->conf->main.tunnel)
		return FAIL_SITE(c, site, "site '%s': reach '%s' goes through the packet "
		                 "tunnel, which is off; needed: option tunnel '1' in "
		                 "config aggd", site->name, text);
	return 0;
}

/* By where they begin; of those the larger first; of those as they were read. */
static int by_place(const void *a, const void *b)
{
	const struct prefix *one = ((const struct reach *)a)->net;
	const struct prefix *two = ((const struct reach *)b)->net;
	int order = (one->family > two->family) - (one->family < two->family);

	if (!order)
		order = memcmp(one->ip, two->ip, sizeof(one->ip));
	if (!order)
		order = one->length - two->length;
	return order ? order : (one > two) - (one < two);
}

static bool holds(const struct prefix *net, const struct prefix *other)
{
	struct addr first = { .family = other->family };

	memcpy(first.ip, other->ip, sizeof(first.ip));
	return prefix_has(net, &first);
}

/* The first as they were read that is in part one before it, which is *other.
 * Where a network is in another, all between the two are in that, too: so it is
 * enough to look at neighbours. NULL: they all differ. */
static const struct reach *find_shared(const struct reach *list, size_t count,
                                       const struct reach **other)
{
	const struct reach *found = NULL;

	for (size_t i = 1; i < count; i++) {
		const struct reach *early = &list[i - 1], *late = &list[i];
		if (!holds(early->net, late->net))
			continue;
		if (early->net > late->net)
			early = &list[i], late = &list[i - 1];
		if (found && late->net > found->net)
			continue;
		found = late;
		*other = early;
	}
	return found;
}

static int check_shared(const struct check *c, const char *key, struct reach *list,
                        size_t count)
{
	const struct reach *other = NULL;
	char text[ADDR_TEXT_MAX];

	qsort(list, count, sizeof(*list), by_place);
	const struct reach *shared = find_shared(list, count, &other);
	if (!shared)
		return 0;
	return FAIL_SITE(c, shared->site, "site '%s': %s '%s' is in part site '%s''s; "
	                 "needed: networks that differ", shared->site->name, key,
	                 prefix_format(shared->net, text), other->site->name);
}

/* Two in part the same, and nft takes none of all sites' rules. */
static int check_prefixes(const struct check *c, struct reach *list)
{
	size_t count = 0;
	char text[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < c->conf->site_count; i++) {
		const struct conf_site *site = &c->conf->sites[i];
		const struct prefix *net = &site->prefix;
		if (net->family == AF_UNSPEC)
			continue;
		if (net->family != AF_INET6 || net->length > 64 ||
		    net->length < REACH6_MIN || !is_reachable(AF_INET6, net->ip))
			return FAIL_SITE(c, site, "site '%s': prefix '%s'; allowed: a "
			                 "network of IPv6, from /%d to /64", site->name,
			                 prefix_format(net, text), REACH6_MIN);
		list[count++] = (struct reach){ net, site };
	}
	return check_shared(c, "prefix", list, count);
}

static int check_reaches(const struct check *c)
{
	size_t count = c->conf->site_count; /* each has one prefix */
	struct reach *list;
	int err;

	for (unsigned i = 0; i < c->conf->site_count; i++)
		count += c->conf->sites[i].reach_count;
	list = calloc(count + 1, sizeof(*list));
	if (!list) {
		conf_error_set(c->error, c->file, 0, "out of memory");
		return -ENOMEM;
	}
	err = check_prefixes(c, list);
	count = 0;
	for (unsigned i = 0; !err && i < c->conf->site_count; i++) {
		const struct conf_site *site = &c->conf->sites[i];
		for (unsigned k = 0; !err && k < site->reach_count; k++) {
			list[count++] = (struct reach){ &site->reach[k], site };
			err = check_reach(c, site, &site->reach[k]);
		}
	}
	if (!err)
		err = check_shared(c, "reach", list, count);
	free(list);
	return err;
}

static int check_tunnel(const struct check *c)
{
	const struct prefix *pool = &c->conf->main.pool;
	char text[ADDR_TEXT_MAX];

	if (pool->family != AF_INET || pool->length < 8 || !is_reachable(AF_INET, pool->ip) ||
	    pool->length > CONF_POOL_LENGTH_MAX)
		return FAIL(c, c->conf->main.line, "pool '%s'; allowed: a network "
		            "of IPv4, /8 to /%d", prefix_format(pool, text),
		            CONF_POOL_LENGTH_MAX);
	return check_reaches(c);
}

int check_sites(const struct check *c)
{
	int err = conf_sites_check(c->conf, c->file, c->error);

	if (!err)
		err = check_tunnel(c);
	if (!err)
		err = check_forwards(c);
	for (unsigned i = 0; !err && i < c->conf->address_count; i++)
		err = check_address(c, i);
	return err;
}
