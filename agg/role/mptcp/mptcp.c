/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp.h. Owns the path manager and two pools. Whatever happens ends
 * in settle(): families, endpoints and pools follow the facts.
 *
 * To join an uplink anew its endpoint is withheld once, which closes what is
 * left of its subflows, and given again: then the kernel joins it to every
 * bundle.
 */
#include "agg/role/mptcp/mptcp_impl.h"

#include "agg/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const sa_family_t families[MPTCP_FAMILIES] = { AF_INET, AF_INET6 };
static const uint8_t paths[MPTCP_FAMILIES] = { WIRE_PATH_MPTCP4,
                                               WIRE_PATH_MPTCP6 };

/* What there is ---------------------------------------------------------------- */

/* auto does without where it could not choose it: bundles that are only kept
 * cost bytes. */
bool mptcp_is_wanted(const struct mptcp *m)
{
	enum conf_carrier carrier = m->args.conf->main.carrier;

	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++)
		if (carrier == CONF_CARRIER_AUTO && mptcp_is_metered(&m->uplinks[i]))
			return false;
	return carrier != CONF_CARRIER_SUBFLOWS;
}

bool mptcp_is_active(const struct mptcp *m)
{
	return m->host.pm && m->peer_has && mptcp_is_wanted(m);
}

static bool has_endpoint(const struct mptcp *m, int f)
{
	struct addr all[ENDPOINTS_ALL_MAX];
	unsigned count = endpoints_all(m->args.endpoints, all);

	for (unsigned i = 0; i < count; i++)
		if (all[i].family == families[f])
			return true;
	return false;
}

static bool reaches(const struct mptcp *m, const struct mptcp_uplink *u, int f)
{
	return u->exists && u->enabled && netdev_is_ready(&u->dev, families[f]) &&
	       has_endpoint(m, f);
}

/* MPTCP knows no "when the others are full". */
static bool can(const struct mptcp *m, const struct mptcp_uplink *u, int f)
{
	return reaches(m, u, f) && !mptcp_is_metered(u);
}

static unsigned count_family(const struct mptcp *m, int f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++)
		n += can(m, &m->uplinks[i], f);
	return n;
}

/* The family that most uplinks have, and for the rest the other one. */
static void choose_families(struct mptcp *m)
{
	int main = count_family(m, 1) > count_family(m, 0);

	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++) {
		struct mptcp_uplink *u = &m->uplinks[i];
		u->family = can(m, u, main) ? main : can(m, u, !main) ? !main : -1;
		m->address[i] = u->family < 0 ? (struct addr){ 0 } :
			netdev_ip(&u->dev, families[u->family])->sources[0];
	}
}

static bool is_backup(const struct mptcp_uplink *u)
{
	return u->cost == CONF_COST_BACKUP;
}

static int64_t health(void *ctx, unsigned uplink)
{
	struct mptcp *m = ctx;

	return m->args.health(m->args.ctx, uplink);
}

/* Doing ------------------------------------------------------------------------ */

static void set_endpoints(struct mptcp *m)
{
	struct mptcp_pm_endpoint want[WIRE_UPLINKS_MAX];
	struct kerr err = { "" };
	unsigned n = 0;

	if (m->host.rests)
		return;
	for (unsigned i = 0; mptcp_is_active(m) && i < WIRE_UPLINKS_MAX; i++) {
		const struct mptcp_uplink *u = &m->uplinks[i];
		if (u->family < 0 || mptcp_is_stripped(u) || u->withheld)
			continue;
		want[n++] = (struct mptcp_pm_endpoint){
			.addr = m->address[i], .ifindex = u->dev.ifindex,
			.backup = is_backup(u),
		};
	}
	if ((n && mptcp_pm_raise_limits(m->host.pm, n, &err) < 0) ||
	    mptcp_pm_set_endpoints(m->host.pm, want, n, &err) < 0)
		log_sys("mptcp: %s", err.text);
}

/* Bundles begin over what is not kept for a need, if there is such. */
static unsigned list_uplinks(const struct mptcp *m, int f, bool backup,
                             struct pool_uplink *out)
{
	unsigned n = 0;

	for (unsigned i = 0; mptcp_is_active(m) && i < WIRE_UPLINKS_MAX; i++) {
		const struct mptcp_uplink *u = &m->uplinks[i];
		if (u->family != f || mptcp_is_stripped(u) || is_backup(u) != backup)
			continue;
		out[n] = (struct pool_uplink){ .index = i,
		                               .source = m->address[i] };
		snprintf(out[n++].device, sizeof(out[0].device), "%s",
		         u->dev.name);
	}
	return n;
}

static void settle(struct mptcp *m)
{
	struct pool_uplink uplinks[WIRE_UPLINKS_MAX];

	if (m->settling) /* a pool tells of what is being done */
		return;
	m->settling = true;
	choose_families(m);
	if (m->host.pm)
		set_endpoints(m);
	for (int f = 0; f < MPTCP_FAMILIES; f++) {
		unsigned n = list_uplinks(m, f, false, uplinks);
		if (!n)
			n = list_uplinks(m, f, true, uplinks);
		pool_set_uplinks(m->pools[f], uplinks, n);
	}
	m->settling = false;
}

/* Looking ---------------------------------------------------------------------- */

static unsigned bit_of(int f, unsigned bundle)
{
	return (unsigned)f * WIRE_BUNDLES_MAX + bundle;
}

static unsigned bundles_of(const struct mptcp *m, int f)
{
	unsigned mask = 0;

	for (unsigned b = 0; b < WIRE_BUNDLES_MAX; b++)
		if (pool_bundle(m->pools[f], b))
			mask |= 1u << bit_of(f, b);
	return mask;
}

/* What it moved, and more. False: it fell back to TCP. */
static bool hear(struct mptcp *m, int f, unsigned b, struct subflow *sf)
{
	struct mptcpinfo info;

	if (subflow_mptcp(sf, &info) < 0 || info.fallback)
		return false;
	joins_bundle(&m->joins, bit_of(f, b), &info, m->address, MPTCP_STALL_MS);
	return true;
}

static void look_at(struct mptcp *m, int f, unsigned b)
{
	struct subflow *sf = pool_bundle(m->pools[f], b);

	if (sf && !hear(m, f, b, sf))
		subflow_fail(sf, "fell back to TCP");
}

/* From inside of a turn of the packet tunnel: nothing may end. */
static void look_at_bytes(struct mptcp *m, int f, unsigned b)
{
	struct subflow *sf = pool_bundle(m->pools[f], b);

	if (sf)
		hear(m, f, b, sf);
}

uint64_t mptcp_tx_bps(struct mptcp *m, unsigned uplink)
{
	uint64_t now = loop_now_us(m->args.loop);

	if (!mptcp_is_active(m))
		return 0;
	if (now - m->joins.rated_us >= JOINS_RATE_US) {
		joins_begin(&m->joins);
		for (int f = 0; f < MPTCP_FAMILIES; f++)
			for (unsigned b = 0; b < WIRE_BUNDLES_MAX; b++)
				look_at_bytes(m, f, b);
		joins_rate(&m->joins, now);
	}
	return m->joins.uplinks[uplink].tx_bps;
}

static void join_anew(struct mptcp *m, unsigned i)
{
	struct mptcp_uplink *u = &m->uplinks[i];

	log_debug("mptcp: uplink %s is joined anew", u->name);
	u->in_vain = u->healthy;
	u->withheld = true;
	set_endpoints(m);
	u->withheld = false;
	set_endpoints(m);
}

/* Joined where it should be, or a while without. */
static void check_join(struct mptcp *m, unsigned i, uint64_t now)
{
	struct mptcp_uplink *u = &m->uplinks[i];
	const struct join *join = &m->joins.uplinks[i];
	unsigned want = u->family < 0 || mptcp_is_stripped(u) ?
		0 : bundles_of(m, u->family);
	/* Asked only where there is one: it looks at every subflow of ours. */
	bool healthy = u->family >= 0 && health(m, i) > 0;
	bool is_back = healthy && !u->healthy;

	u->healthy = healthy;
	if (!want || (want & ~join->bundles) == 0) {
		u->missing_us = 0;
		u->join_us = MPTCP_JOIN_US;
		u->in_vain = false;
		return;
	}
	if (!u->missing_us)
		u->missing_us = now;
	/* What has gone quiet was waited for already; and where our own work
	 * again, the link is back. */
	if (!join->stalled && !is_back && now - u->missing_us < u->join_us)
		return;
	if (is_back)
		u->join_us = MPTCP_JOIN_US;
	u->missing_us = now;
	if (u->join_us < MPTCP_JOIN_MAX_US)
		u->join_us *= 2;
	join_anew(m, i);
}

/* What was stripped is tried again. */
static void forgive(struct mptcp *m, uint64_t now)
{
	bool any = false;

	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++) {
		struct mptcp_uplink *u = &m->uplinks[i];
		if (!u->stripped_us || now - u->stripped_us < MPTCP_STRIPPED_US)
			continue;
		u->stripped_us = 0;
		u->unanswered = 0;
		any = true;
	}
	if (any)
		settle(m);
}

void mptcp_look(struct mptcp *m)
{
	uint64_t now = loop_now_us(m->args.loop);

	if (!mptcp_is_active(m))
		return;
	forgive(m, now);
	joins_begin(&m->joins);
	for (int f = 0; f < MPTCP_FAMILIES; f++)
		for (unsigned b = 0; b < WIRE_BUNDLES_MAX; b++)
			look_at(m, f, b);
	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++)
		check_join(m, i, now);
	m->args.on_change(m->args.ctx);
}

static void on_soon(void *ctx)
{
	mptcp_look(ctx);
}

static void on_event(void *ctx, const struct mptcp_event *event)
{
	struct mptcp *m = ctx;

	if (mptcp_is_active(m))
		loop_timer_arm(m->soon, loop_now_us(m->args.loop) +
		               MPTCP_EVENT_US);
}

/* The pools --------------------------------------------------------------------- */

/* The kernel sends SYNs without the option, not a middlebox: where it found
 * that those with it get no answer (net.mptcp.blackhole_timeout, Linux 6.12). */
static bool is_off(struct mptcp *m)
{
	struct mptcpinfo_counters now;
	uint64_t before = m->syn_disabled;

	if (mptcpinfo_counters(NULL, &now) < 0)
		return false;
	m->syn_disabled = now.syn_tx_disabled;
	return now.syn_tx_disabled > before;
}

static void on_welcome(void *ctx, unsigned uplink, struct subflow *sf,
                       const struct wire_welcome *welcome)
{
	struct mptcp *m = ctx;
	struct mptcp_uplink *u = &m->uplinks[uplink];
	struct mptcpinfo info;

	u->unanswered = 0;
	u->dropped = false;
	if (subflow_mptcp(sf, &info) == 0 && !info.fallback) {
		m->args.on_welcome(m->args.ctx, sf, welcome);
		return;
	}
	if (is_off(m)) {
		for (int f = 0; f < MPTCP_FAMILIES; f++)
			pool_hold(m->pools[f], MPTCP_OFF_US);
		subflow_fail(sf, "the kernel makes no MPTCP connections for a "
		             "while, as it found a blackhole");
	} else if (m->joins.uplinks[uplink].bundles) {
		subflow_fail(sf, "fell back to TCP");
	} else {
		log_info("mptcp: uplink %s strips the option; tried again in "
		         "%u min", u->name, MPTCP_STRIPPED_US / 60000000);
		u->stripped_us = loop_now_us(m->args.loop);
		subflow_fail(sf, "the option does not arrive");
	}
}

/* A dead link gives no answer either; but there our own do not work. */
static void on_no_answer(void *ctx, unsigned uplink)
{
	struct mptcp *m = ctx;
	struct mptcp_uplink *u = &m->uplinks[uplink];

	if (health(m, uplink) <= 0) {
		u->unanswered = 0;
		return;
	}
	if (++u->unanswered < MPTCP_UNANSWERED_MAX)
		return;
	log_info("mptcp: uplink %s drops what carries the option; tried again "
	         "in %u min", u->name, MPTCP_STRIPPED_US / 60000000);
	u->stripped_us = loop_now_us(m->args.loop);
	u->dropped = true;
}

static uint32_t next_id(void *ctx)
{
	struct mptcp *m = ctx;

	return m->args.next_id(m->args.ctx);
}

static void on_pool_change(void *ctx)
{
	struct mptcp *m = ctx;

	settle(m);
	loop_timer_arm(m->soon, loop_now_us(m->args.loop));
	m->args.on_change(m->args.ctx);
}

void mptcp_on_join(struct mptcp *m, struct subflow *sf)
{
	for (int f = 0; f < MPTCP_FAMILIES; f++)
		pool_on_join(m->pools[f], sf);
	loop_timer_arm(m->soon, loop_now_us(m->args.loop) + MPTCP_EVENT_US);
}

/* The outside -------------------------------------------------------------------- */

bool mptcp_set_uplink(struct mptcp *m, unsigned index,
                      const struct conf_uplink *conf, const struct netdev *dev)
{
	struct mptcp_uplink *u = &m->uplinks[index];
	struct addr before = m->address[index];

	u->exists = conf != NULL;
	if (conf) {
		u->enabled = conf->enabled;
		u->cost = conf->cost;
		snprintf(u->name, sizeof(u->name), "%s", conf->name);
	}
	memset(&u->dev, 0, sizeof(u->dev));
	if (conf && dev)
		u->dev = *dev;
	choose_families(m);
	bool other = !addr_equal_ip(&before, &m->address[index]);
	if (other)
		u->stripped_us = u->missing_us = u->unanswered = 0;
	u->join_us = MPTCP_JOIN_US;
	settle(m);
	return other;
}

void mptcp_set_peer(struct mptcp *m, bool has_mptcp)
{
	if (m->peer_has == has_mptcp)
		return;
	m->peer_has = has_mptcp;
	settle(m);
}

void mptcp_set_conf(struct mptcp *m, const struct conf *conf)
{
	m->args.conf = conf;
	for (int f = 0; f < MPTCP_FAMILIES; f++)
		pool_set_conf(m->pools[f], conf);
	mptcp_host_set_scheduler(&m->host, &m->args.conf->main);
	settle(m);
}

void mptcp_on_endpoints(struct mptcp *m)
{
	settle(m);
}

void mptcp_rest(struct mptcp *m, bool rests)
{
	m->host.rests = rests;
}

void mptcp_leave(struct mptcp *m, keeper_take_fn *take, void *ctx)
{
	for (int f = 0; f < MPTCP_FAMILIES; f++)
		pool_leave(m->pools[f], take, ctx);
}

void mptcp_restart(struct mptcp *m)
{
	m->peer_has = false; /* until it says so again */
	for (int f = 0; f < MPTCP_FAMILIES; f++)
		pool_restart(m->pools[f]);
	settle(m);
}

/* Of every uplink that is there, in every bundle of its family. */
static bool is_whole(const struct mptcp *m)
{
	for (int f = 0; f < MPTCP_FAMILIES; f++)
		if (pool_joined(m->pools[f]) < pool_wanted(m->pools[f]))
			return false;
	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++) {
		const struct mptcp_uplink *u = &m->uplinks[i];
		if (u->family >= 0 && (bundles_of(m, u->family) &
		                       ~m->joins.uplinks[i].bundles))
			return false;
	}
	return true;
}

unsigned mptcp_joined(const struct mptcp *m)
{
	return pool_joined(m->pools[0]) + pool_joined(m->pools[1]);
}

void mptcp_facts(const struct mptcp *m, struct carrier_facts *out)
{
	out->obstacle = !m->host.pm ? m->host.obstacle : !m->peer_has ?
		"the concentrator has no MPTCP" : NULL;
	out->usable = out->covered = out->stripped = 0;
	out->metered = false;
	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++) {
		const struct mptcp_uplink *u = &m->uplinks[i];
		out->metered |= mptcp_is_metered(u);
		if (!reaches(m, u, 0) && !reaches(m, u, 1))
			continue;
		out->usable |= 1u << i;
		if (mptcp_is_stripped(u))
			out->stripped |= 1u << i;
		else if (m->joins.uplinks[i].bundles)
			out->covered |= 1u << i;
	}
	out->bundle = mptcp_is_active(m) && mptcp_joined(m);
	out->whole = out->bundle && is_whole(m);
}

void mptcp_add_totals(const struct mptcp *m, struct snapshot_totals *out)
{
	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++) {
		out->tx_bytes[i] += m->joins.uplinks[i].tx_bytes;
		out->rx_bytes[i] += m->joins.uplinks[i].rx_bytes;
	}
}

/* Beginning ---------------------------------------------------------------------- */

static struct pool *make_pool(struct mptcp *m, int f)
{
	struct pool_args args = {
		.loop = m->args.loop, .tls = m->args.tls, .rand = m->args.rand,
		.conf = m->args.conf, .endpoints = m->args.endpoints,
		.family = families[f], .path = paths[f],
		.on_welcome = on_welcome, .on_change = on_pool_change,
		.on_no_answer = on_no_answer, .health = health,
		.next_id = next_id, .session = m->args.session,
		.ctx = m,
	};

	return pool_create(&args);
}

struct mptcp *mptcp_create(const struct mptcp_args *args)
{
	struct mptcp *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->args = *args;
	for (unsigned i = 0; i < WIRE_UPLINKS_MAX; i++)
		m->uplinks[i] = (struct mptcp_uplink){ .family = -1,
			.healthy = true, .join_us = MPTCP_JOIN_US };
	m->soon = loop_timer_create(args->loop, on_soon, m);
	for (int f = 0; f < MPTCP_FAMILIES; f++)
		m->pools[f] = make_pool(m, f);
	if (!m->soon || !m->pools[0] || !m->pools[1]) {
		mptcp_destroy(m);
		errno = ENOMEM;
		return NULL;
	}
	mptcp_host_open(&m->host, args->loop, &args->conf->main, on_event, m);
	m->syn_disabled = m->host.first.syn_tx_disabled;
	if (!m->host.pm && mptcp_is_wanted(m))
		log_info("mptcp: %s; our subflows are used", m->host.obstacle);
	mptcp_host_set_scheduler(&m->host, &m->args.conf->main);
	return m;
}

void mptcp_destroy(struct mptcp *m)
{
	if (!m)
		return;
	for (int f = 0; f < MPTCP_FAMILIES; f++)
		pool_destroy(m->pools[f]);
	loop_timer_destroy(m->soon);
	mptcp_host_close(&m->host);
	free(m);
}
