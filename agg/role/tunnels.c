/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnels.h. Owns the rules and routes (route.h) with their upkeep, and the
 * ruleset.
 */
#include "agg/role/tunnels.h"

#include "agg/base/log.h"
#include "agg/kernel/conntrack.h"
#include "agg/kernel/forwarding.h"
#include "agg/kernel/link.h"
#include "agg/kernel/nat.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/route.h"
#include "agg/kernel/rules.h"
#include "agg/kernel/sysctl.h"
#include "agg/role/pace.h"
#include "agg/role/role.h"
#include "agg/role/ruleset.h"
#include "agg/role/tunnel_names.h"
#include "agg/role/upkeep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_US 1000000u /* for a device that could not be set, or that somebody undoes */
#define FORWARD_US 5000000u /* between looks whether the host forwards */

struct tunnels {
	struct loop *loop;       /* borrowed, as the next two */
	struct netmon *netmon;
	const struct conf *conf;
	struct route *route;     /* NULL: there was no device yet */
	struct upkeep *upkeep;
	struct ruleset *ruleset;
	struct loop_timer *again, *forward;
	int ifindex[CONF_NUMBERS_MAX + 1]; /* by site's number: set up; 0: none */
	struct kerr failure;     /* "": none */
	struct kerr lacks;       /* what forwarding wants and could not be turned on */
	struct pace losses;      /* of forwarding */
	bool leads;              /* there were forwards or addresses */
};

/* The rules of NAT ----------------------------------------------------------- */

/* An old kernel cannot be told how long to remember UDP: then as it likes. */
static int check_patience(struct nat *want)
{
	struct kerr err;
	struct buf text;

	buf_init(&text, NFT_RULESET_MAX);
	want->patient = true;
	int rc = nat_ruleset(&text, want, &err);
	want->patient = !rc && !nft_check(buf_head(&text), text.len, &err);
	buf_finish(&text);
	return rc;
}

static unsigned find_forwards(const struct conf *conf,
                              struct nat_forward out[CONF_FORWARDS_MAX])
{
	static const uint8_t protocols[] = {
		[CONF_PROTOCOL_BOTH] = 0, [CONF_PROTOCOL_TCP] = IPPROTO_TCP,
		[CONF_PROTOCOL_UDP] = IPPROTO_UDP,
	};
	unsigned n = 0;

	for (unsigned i = 0; i < conf->forward_count; i++) {
		const struct conf_forward *f = &conf->forwards[i];
		const struct conf_site *site = conf_find_site(conf, f->site);
		if (site && site->number)
			out[n++] = (struct nat_forward){
				.number = site->number, .listen = f->listen,
				.to = f->to, .protocol = protocols[f->protocol] };
	}
	return n;
}

static struct addr host_of(const struct prefix *p)
{
	struct addr a = { .family = p->family };

	memcpy(a.ip, p->ip, sizeof(a.ip));
	return a;
}

static unsigned find_addresses(const struct conf *conf,
                               struct nat_address out[CONF_ADDRESSES_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < conf->address_count; i++) {
		const struct conf_address *a = &conf->addresses[i];
		const struct conf_site *site = conf_find_site(conf, a->site);
		if (site && site->number)
			out[n++] = (struct nat_address){ site->number,
				host_of(&a->address), host_of(&a->to) };
	}
	return n;
}

/* Where gateways connect to at whatever address. */
static unsigned find_kept(const struct conf *conf, uint16_t out[CONF_LISTENS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < conf->main.listen_count; i++)
		if (addr_is_any(&conf->main.listen[i]))
			out[n++] = conf->main.listen[i].port;
	return n;
}

static void load_ruleset(struct tunnels *t)
{
	const struct conf *conf = t->conf;
	struct nat_forward forwards[CONF_FORWARDS_MAX];
	struct nat_address addresses[CONF_ADDRESSES_MAX];
	uint16_t kept[CONF_LISTENS_MAX];
	struct nat_site *sites = calloc(conf->site_count + 1, sizeof(*sites));
	char (*names)[IFNAMSIZ] = calloc(conf->site_count + 1, sizeof(*names));
	struct nat want = { .sites = sites, .forwards = forwards,
	                    .forward_count = find_forwards(conf, forwards),
	                    .addresses = addresses, .kept = kept,
	                    .address_count = find_addresses(conf, addresses),
	                    .kept_count = find_kept(conf, kept) };
	struct kerr err = { "" };
	struct buf text;

	buf_init(&text, NFT_RULESET_MAX);
	for (unsigned i = 0; sites && names && i < conf->site_count; i++) {
		const struct conf_site *site = &conf->sites[i];
		if (!site->number)
			continue;
		tunnel_device(site, names[i]);
		sites[want.count++] = (struct nat_site){
			names[i], site->number, site->prefix, site->reach,
			site->reach_count };
	}
	int rc = !want.count ? 0 : check_patience(&want);
	if (!rc && want.count)
		rc = nat_ruleset(&text, &want, &err);
	if (!rc && want.count)
		rc = ruleset_want(t->ruleset, &text);
	else if (!want.count)
		ruleset_want_none(t->ruleset);
	if (rc < 0)
		log_sys("tunnels: %s", *err.text ? err.text : strerror(-rc));
	buf_finish(&text);
	free(names);
	free(sites);
}

struct leading {
	struct nat want;
	struct netmon *netmon;
};

/* A flow of UDP never ends while somebody sends; what TCP began goes on as it did. */
static bool is_stale(void *ctx, const struct conntrack_flow *flow)
{
	const struct leading *l = ctx;
	struct addr to;

	if (flow->protocol != IPPROTO_UDP || !netmon_is_local(l->netmon, &flow->to))
		return false;
	if (nat_leads(&l->want, flow->protocol, &flow->to, &to))
		return !addr_equal(&flow->reached, &to);
	return flow->mark & NAT_NUMBERS && !(flow->mark & ~NAT_NUMBERS) &&
	       !addr_equal(&flow->reached, &flow->to);
}

/* Rules are in force, which may lead to others than before. */
static void on_settled(void *ctx)
{
	struct tunnels *t = ctx;
	struct nat_forward forwards[CONF_FORWARDS_MAX];
	struct nat_address addresses[CONF_ADDRESSES_MAX];
	uint16_t kept[CONF_LISTENS_MAX];
	struct leading l = { .netmon = t->netmon, .want = {
		.forwards = forwards, .forward_count = find_forwards(t->conf, forwards),
		.addresses = addresses, .address_count = find_addresses(t->conf, addresses),
		.kept = kept, .kept_count = find_kept(t->conf, kept) } };
	bool leads = l.want.forward_count || l.want.address_count;

	if ((leads || t->leads) && !*ruleset_why(t->ruleset)) {
		int count = conntrack_forget(is_stale, &l);
		if (count > 0)
			log_info("tunnels: %d flows begin anew, as other forwards hold", count);
	}
	t->leads = leads;
}

/* What all devices share ------------------------------------------------------- */

/* Again and again: others turn it off, and tell nobody. */
static void turn_on_forwarding(void *ctx)
{
	struct tunnels *t = ctx;
	char changed[FORWARDING_WORDS_MAX], lacks[FORWARDING_WORDS_MAX];
	char earlier[PACE_WORDS_MAX];
	struct kerr before = t->lacks;
	uint64_t now = loop_now_us(t->loop);

	forwarding_enable(SYSCTL_FOLDER, changed, lacks);
	t->lacks = (struct kerr){ "" };
	if (*lacks)
		kerr_set(&t->lacks, 0, "could not be turned on, and nothing passes "
		         "without it: %s", lacks);
	if (*changed && pace_may_say(&t->losses, now, earlier))
		log_info("tunnels: this host forwards from now on: %s%s", changed,
		         earlier);
	if (*lacks && strcmp(before.text, t->lacks.text))
		log_sys("tunnels: %s", t->lacks.text);
	loop_timer_arm(t->forward, now + FORWARD_US);
}

/* 0, or -errno with failure: before the first device. */
static int begin(struct tunnels *t)
{
	if (t->route)
		return 0;
	t->route = route_create(&t->failure);
	t->upkeep = t->route ? upkeep_create(t->loop, t->netmon, t->route) : NULL;
	t->ruleset = t->upkeep ? ruleset_create(t->loop, "tunnels", on_settled, t) : NULL;
	if (!t->ruleset)
		return kerr_set(&t->failure, -ENOMEM, "tunnels");
	turn_on_forwarding(t);
	load_ruleset(t);
	return 0;
}

/* Devices ---------------------------------------------------------------------- */

static const struct conf_site *site_of(const struct tunnels *t,
                                       const char *device)
{
	char name[IFNAMSIZ];

	if (strncmp(device, TUNNEL_PREFIX, strlen(TUNNEL_PREFIX)))
		return NULL;
	for (unsigned i = 0; i < t->conf->site_count; i++) {
		tunnel_device(&t->conf->sites[i], name);
		if (!strcmp(name, device) && t->conf->sites[i].number)
			return &t->conf->sites[i];
	}
	return NULL;
}

static int set_routes(struct tunnels *t, const struct conf_site *site,
                      const char *device)
{
	struct route_tunnel want = {
		.number = site->number, .mark = site->number << NAT_NUMBER_SHIFT,
		.mask = NAT_NUMBERS | NAT_FROM,
	};

	memcpy(want.device, device, IFNAMSIZ);
	return route_set_tunnel(t->route, &want, &t->failure);
}

static struct link find_link(const struct tunnels *t, const struct netdev *dev)
{
	struct link link = { .addresses = { tunnel_inner4(t->conf, 0) } };

	memcpy(link.device, dev->name, IFNAMSIZ);
	return link;
}

static int set_up(struct tunnels *t, const struct conf_site *site,
                  const struct netdev *dev)
{
	const struct link link = find_link(t, dev);
	int rc = begin(t);

	loop_timer_arm(t->again, loop_now_us(t->loop) + AGAIN_US);
	if (!rc)
		rc = link_set(&link, &t->failure);
	if (!rc)
		rc = set_routes(t, site, dev->name);
	if (!rc) {
		t->ifindex[site->number] = dev->ifindex;
		t->failure = (struct kerr){ "" };
		return 0;
	}
	log_sys("site %s: device %s: %s; tried again", site->name, dev->name,
	        t->failure.text);
	return rc;
}

static void forget(struct tunnels *t, unsigned number)
{
	struct kerr err;

	t->ifindex[number] = 0;
	if (t->route && route_clear_tunnel(t->route, number, &err) < 0)
		log_sys("tunnels: %s", err.text);
}

void tunnels_on_netdev(struct tunnels *t, const struct netdev *dev)
{
	const struct conf_site *site = t->conf->main.tunnel ?
		site_of(t, dev->name) : NULL;
	const struct link link = find_link(t, dev);

	if (!site)
		return;
	if (!dev->present)
		forget(t, site->number);
	else if (t->ifindex[site->number] != dev->ifindex || !link_is_set(&link, dev))
		set_up(t, site, dev);
}

static void look_at_all(void *ctx)
{
	struct tunnels *t = ctx;
	const struct netdev *dev;

	for (unsigned i = 0; (dev = netmon_at(t->netmon, i)); i++)
		tunnels_on_netdev(t, dev);
}

/* The owner --------------------------------------------------------------------- */

void tunnels_set_conf(struct tunnels *t, const struct conf *conf)
{
	const struct conf *old = t->conf;

	t->conf = conf;
	if (!t->route)
		return;
	/* Another number is another table, mark and address. */
	for (unsigned i = 0; i < old->site_count; i++) {
		const struct conf_site *was = &old->sites[i];
		const struct conf_site *is = conf_find_site(conf, was->name);
		if (t->ifindex[was->number] &&
		    (!conf->main.tunnel || !is || is->number != was->number))
			forget(t, was->number);
	}
	load_ruleset(t);
	look_at_all(t);
}

const char *tunnels_why(const struct tunnels *t)
{
	if (*t->failure.text)
		return t->failure.text;
	if (*t->lacks.text)
		return t->lacks.text;
	return t->ruleset ? ruleset_why(t->ruleset) : "";
}

/* Where a daemon that was killed left rules, there is its table as well. */
static void clean_up(void)
{
	struct rules *rules = rules_create();
	struct rules_list list = { 0 };
	bool left = false;

	if (rules && !rules_read(rules, AF_INET, &list))
		for (unsigned i = 0; i < list.count; i++)
			left |= list.items[i].protocol == ROUTE_PROTOCOL;
	rules_list_finish(&list);
	rules_destroy(rules);
	if (left)
		role_cleanup();
}

struct tunnels *tunnels_create(struct loop *loop, struct netmon *netmon,
                               const struct conf *conf)
{
	struct tunnels *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->loop = loop;
	t->netmon = netmon;
	t->conf = conf;
	t->again = loop_timer_create(loop, look_at_all, t);
	t->forward = loop_timer_create(loop, turn_on_forwarding, t);
	if (!t->again || !t->forward) {
		loop_timer_destroy(t->again);
		loop_timer_destroy(t->forward);
		free(t);
		return NULL;
	}
	clean_up();
	return t;
}

void tunnels_destroy(struct tunnels *t, bool is_successors)
{
	if (!t)
		return;
	loop_timer_destroy(t->again);
	loop_timer_destroy(t->forward);
	ruleset_destroy(t->ruleset);
	upkeep_destroy(t->upkeep);
	bool touched = t->route;
	route_destroy(t->route);
	free(t);
	if (touched && !is_successors)
		role_cleanup();
}
