/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the concentrator: what belongs to the host, which is the door, its
 * addresses, its MPTCP, what packet tunnels need (tunnels.h); and the
 * workers, which have the sessions (workers.h).
 */
#include "agg/base/log.h"
#include "agg/history/writer.h"
#include "agg/kernel/sockopt.h"
#include "agg/role/door.h"
#include "agg/role/mptcp/mptcp_host.h"
#include "agg/role/quota.h"
#include "agg/role/role.h"
#include "agg/role/tunnels.h"
#include "agg/role/workers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIDY_US 1000000u /* between looks at the memory */
#define QUOTAS_US 60000000u /* and at what sites used */

struct concentrator {
	struct role role;
	struct tls_context *tls;
	struct door door;
	struct workers workers;
	struct loop_timer *second;
	struct history history;  /* what sites with a quota used of it */
	struct writer writer;    /* of its file */
	uint64_t quotas_us;      /* it is of then */
	struct mptcp_host mptcp_host;
	bool draining, took_mptcp; /* when it began to drain */
	bool rests;      /* for an update */
	bool door_lacks; /* an address that it listens at */
	struct tunnels *tunnels;
	struct addr udp[DOOR_LISTENERS_MAX]; /* where packet tunnels are listened for */
	unsigned udp_count;
	bool udp_lacks; /* one of them */
};

static bool is_local(void *ctx, const struct addr *a)
{
	struct concentrator *c = ctx;

	return netmon_is_local(c->role.netmon, a);
}

static void on_change(void *ctx)
{
	struct concentrator *c = ctx;

	role_changed(&c->role);
}

static bool is_ipv6_ready(const struct concentrator *c)
{
	const struct netdev *dev;

	for (unsigned i = 0; (dev = netmon_at(c->role.netmon, i)); i++)
		if (netdev_is_ready(dev, AF_INET6))
			return true;
	return false;
}

/* As worker_facts(), of all. */
static int tell_facts(struct concentrator *c, const struct conf *conf)
{
	/* A door that is closed for good says nothing of who is inside. */
	const struct worker_facts facts = {
		.conf = conf, .is_local = is_local, .ctx = c, .used = &c->history,
		.takes_mptcp = c->draining ? c->took_mptcp
		                           : door_takes_mptcp(&c->door),
		.ipv6_ready = is_ipv6_ready(c),
		.passes = c->door.passes, .process = c->role.process,
	};

	return workers_facts(&c->workers, &facts);
}

static void on_udp_error(void *ctx, const struct addr *at, int err)
{
	struct concentrator *c = ctx;
	char text[ADDR_TEXT_MAX];

	if (!c->udp_lacks)
		log_sys("listen %s: no packet tunnels by UDP: %s",
		        addr_format(at, text), strerror(-err));
	c->udp_lacks = true;
}

/* Datagrams are listened for where subflows are. */
static void listen_for_tunnels(struct concentrator *c)
{
	const struct door_plan *plan = &c->door.plan;
	unsigned count = c->role.conf->main.tunnel && !c->rests ? plan->count : 0;
	bool lacked = c->udp_lacks;

	if (count == c->udp_count && !lacked &&
	    !memcmp(plan->at, c->udp, count * sizeof(*c->udp)))
		return;
	memcpy(c->udp, plan->at, count * sizeof(*c->udp));
	c->udp_count = count;
	c->udp_lacks = lacked; /* said already */
	workers_listen(&c->workers, c->udp, count, on_udp_error, c);
}

static void adopt(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                  const struct wire_hello *hello)
{
	struct concentrator *c = ctx;

	workers_adopt(&c->workers, sf, pin, hello);
}

static bool pass(void *ctx, int fd, uint32_t process)
{
	struct concentrator *c = ctx;

	return c->role.pass(c->role.pass_ctx, fd, process);
}

/* What it changes holds at once: there is a reload within. */
static void redeem(void *ctx, const struct tls_pin *pin,
                   const struct wire_invite *invite, struct wire_redeemed *answer)
{
	struct concentrator *c = ctx;

	if (c->role.pairing)
		pairing_redeem(c->role.pairing, c->role.conf,
		               (uint64_t)time(NULL), pin, invite, answer);
	else
		answer->result = WIRE_REDEEM_FAILED;
}

static void note_quota(void *ctx, const char *name, struct quota *q)
{
	struct concentrator *c = ctx;
	struct history_subject *s = history_find(&c->history, HISTORY_SITE, name);

	if (!s)
		return;
	s->month_s = q->month_s;
	s->month_bytes = q->bytes;
}

static void look_at_quotas(struct concentrator *c)
{
	uint64_t now = loop_now_us(c->role.loop);

	history_step(&c->history, (uint64_t)time(NULL), now / 1000000);
	workers_quotas(&c->workers, note_quota, c);
	c->quotas_us = now;
}

static void on_second(void *ctx)
{
	struct concentrator *c = ctx;

	role_tidy_memory(&c->role);
	if (c->rests) {
		loop_timer_arm(c->second, loop_now_us(c->role.loop) + TIDY_US);
		return;
	}
	if (loop_now_us(c->role.loop) - c->quotas_us >= QUOTAS_US)
		look_at_quotas(c);
	writer_step(&c->writer);
	loop_timer_arm(c->second, loop_now_us(c->role.loop) + TIDY_US);
}

/* 0, or -errno with an error of which nothing has changed. */
static int open_door(struct concentrator *c, const struct conf *conf,
                     struct conf_error *error)
{
	struct addr culprit;
	char what[ADDR_TEXT_MAX + 8], text[ADDR_TEXT_MAX];
	bool mptcp = c->mptcp_host.pm &&
	             conf->main.carrier != CONF_CARRIER_SUBFLOWS;
	int err = c->draining ? 0 :
	          door_open(&c->door, &conf->main, mptcp, &culprit);

	if (err < 0) {
		snprintf(what, sizeof(what), "listen %s",
		         addr_format(&culprit, text));
		conf_error_set(error, what, 0, "%s", strerror(-err));
	}
	return err;
}

/* Addresses that the door waits for are told when that changes. */
static void look_at_door(struct concentrator *c)
{
	char text[ADDR_TEXT_MAX];
	struct addr at;
	bool lacks = door_lacks(&c->door, is_local, c, &at);

	if (lacks && !c->door_lacks)
		log_user("listen %s: no device has this address; waiting for it",
		         addr_format(&at, text));
	else if (!lacks && c->door_lacks)
		log_info("listen: every address is there");
	c->door_lacks = lacks;
}

static void concentrator_on_netdev(struct role *role, const struct netdev *dev)
{
	struct concentrator *c = (struct concentrator *)role;

	tell_facts(c, role->conf);
	if (c->tunnels)
		tunnels_on_netdev(c->tunnels, dev);
	look_at_door(c);
	role_changed(role);
}

/* 0, or -errno with an error of which nothing has changed. */
static int take_conf(struct concentrator *c, const struct conf *conf,
                     struct conf_error *error)
{
	struct conf_error other;
	int err = open_door(c, conf, error);

	if (err < 0)
		return err;
	err = door_know(&c->door, conf);
	if (!err)
		err = tell_facts(c, conf);
	if (!err)
		return 0;
	conf_error_set(error, "sites", 0, "%s", strerror(-err));
	if (conf != c->role.conf) {
		open_door(c, c->role.conf, &other);
		door_know(&c->door, c->role.conf);
	}
	return err;
}

static int concentrator_reload(struct role *role, const struct conf *conf,
                               struct conf_error *error)
{
	struct concentrator *c = (struct concentrator *)role;
	int err = take_conf(c, conf, error);

	if (err < 0)
		return err;
	role->conf = conf;
	snprintf(c->door.congestion, sizeof(c->door.congestion), "%s",
	         conf->main.congestion);
	mptcp_host_set_scheduler(&c->mptcp_host, &conf->main);
	if (c->tunnels)
		tunnels_set_conf(c->tunnels, conf);
	look_at_door(c);
	listen_for_tunnels(c);
	return 0;
}

static void concentrator_drain(struct role *role)
{
	struct concentrator *c = (struct concentrator *)role;

	c->took_mptcp = door_takes_mptcp(&c->door);
	c->draining = true;
	door_close(&c->door);
	workers_drain(&c->workers);
}

/* Gateways need not find out by lanes that nobody answers. */
static bool concentrator_part(struct role *role)
{
	struct concentrator *c = (struct concentrator *)role;

	door_close(&c->door);
	return workers_part(&c->workers);
}

static void concentrator_report(struct role *role, struct report *out)
{
	struct concentrator *c = (struct concentrator *)role;
	char text[ADDR_TEXT_MAX];
	struct addr at;

	if (door_lacks(&c->door, is_local, c, &at))
		snprintf(out->head.waits_for, sizeof(out->head.waits_for),
		         "the address of listen %s", addr_format(&at, text));
	workers_report(&c->workers, out);
	const char *why = c->tunnels ? tunnels_why(c->tunnels) : "";
	size_t len = strlen(out->head.waits_for);
	if (*why)
		snprintf(out->head.waits_for + len, sizeof(out->head.waits_for) - len,
		         "%spacket tunnels: %s", len ? ", " : "", why);
}

static unsigned concentrator_streams(const struct role *role)
{
	const struct concentrator *c = (const struct concentrator *)role;

	return workers_streams(&c->workers);
}

/* Updates ----------------------------------------------------------------------- */

static const char *concentrator_why_not_update(const struct role *role)
{
	return NULL;
}

/* Packet tunnels are led by what is in the kernel: it is the successor's. */
static void rest(struct concentrator *c)
{
	c->rests = c->mptcp_host.rests = true;
	door_rest(&c->door, true);
	listen_for_tunnels(c);
	tunnels_destroy(c->tunnels, true);
	c->tunnels = NULL;
	look_at_quotas(c);
	writer_finish(&c->writer);
}

static void go_on(struct concentrator *c)
{
	c->rests = c->mptcp_host.rests = false;
	c->tunnels = tunnels_create(c->role.loop, c->role.netmon, c->role.conf);
	listen_for_tunnels(c);
	door_rest(&c->door, false);
}

static void concentrator_update(struct role *role, enum role_update step)
{
	struct concentrator *c = (struct concentrator *)role;

	switch (step) {
	case ROLE_RESTS:
		rest(c);
		workers_leave(&c->workers, true);
		break;
	case ROLE_GOES_ON:
		workers_leave(&c->workers, false);
		go_on(c);
		break;
	case ROLE_IS_GONE:
		door_close(&c->door);
		break;
	}
}

/* Who hears of it later finds the successor all the same. */
static uint8_t concentrator_has_left(const struct role *role)
{
	return 1;
}

static void concentrator_succeed(struct role *role, uint8_t told)
{
}

static void concentrator_on_before(struct role *role)
{
	struct concentrator *c = (struct concentrator *)role;

	door_set_passes(&c->door, role->before.is_there);
	tell_facts(c, role->conf);
}

static void concentrator_take(struct role *role, int fd)
{
	struct concentrator *c = (struct concentrator *)role;
	struct addr from;

	if (sockopt_peer(fd, &from) < 0)
		close(fd);
	else
		door_take(&c->door, fd, &from);
}

/* A site is known by the first bytes of its pin there, in place of a host's address. */
static void site_address(const struct conf_site *site, struct addr *out)
{
	*out = (struct addr){ .family = AF_UNSPEC };
	memcpy(out->ip, site->pin.sha256, sizeof(out->ip));
}

struct quota_teller {
	struct concentrator *c;
	role_host_fn *on_host;
	void *ctx;
};

/* What it used since the history has it, which nobody reads any more. */
static void tell_quota(void *ctx, const char *name, struct quota *q)
{
	const struct quota_teller *t = ctx;
	const struct conf_site *site = conf_find_site(t->c->role.conf, name);
	struct history_subject *s = history_find(&t->c->history, HISTORY_SITE, name);
	struct addr address;

	if (!site || !s)
		return;
	uint64_t told = s->month_s == q->month_s ? s->month_bytes : 0;
	site_address(site, &address);
	if (q->bytes > told)
		t->on_host(t->ctx, &address, q->bytes - told, 0);
	note_quota(t->c, name, q);
}

static void concentrator_each_host(struct role *role, role_host_fn *on_host, void *ctx)
{
	struct concentrator *c = (struct concentrator *)role;
	struct quota_teller teller = { c, on_host, ctx };

	workers_quotas(&c->workers, tell_quota, &teller);
}

struct quota_heard {
	const struct conf *conf;
	const struct addr *site;
	uint64_t bytes;
};

static void hear_quota(void *ctx, const char *name, struct quota *q)
{
	const struct quota_heard *heard = ctx;
	const struct conf_site *site = conf_find_site(heard->conf, name);
	struct addr address;

	if (!site)
		return;
	site_address(site, &address);
	if (!memcmp(address.ip, heard->site->ip, sizeof(address.ip)))
		q->bytes += heard->bytes;
}

static void concentrator_count_host(struct role *role, const struct addr *host,
                                    uint64_t down_bytes, uint64_t up_bytes)
{
	struct concentrator *c = (struct concentrator *)role;
	struct quota_heard heard = { role->conf, host, down_bytes + up_bytes };

	workers_quotas(&c->workers, hear_quota, &heard);
}

static const struct role_updates updates = {
	.why_not = concentrator_why_not_update, .update = concentrator_update,
	.has_left = concentrator_has_left, .succeed = concentrator_succeed,
	.on_before = concentrator_on_before, .take = concentrator_take,
	.each_host = concentrator_each_host, .count_host = concentrator_count_host,
};

static int concentrator_choose(struct role *role, const struct choice *choice,
                               struct buf *out)
{
	struct concentrator *c = (struct concentrator *)role;

	const struct conf_site *site = choice_site(choice, role->conf, out);

	return site ? workers_choose(&c->workers, site, choice, out) : -EINVAL;
}

static void concentrator_destroy(struct role *role)
{
	struct concentrator *c = (struct concentrator *)role;

	door_finish(&c->door);
	if (!c->rests)
		look_at_quotas(c);
	workers_finish(&c->workers);
	if (!c->rests)
		writer_finish(&c->writer);
	history_finish(&c->history);
	tunnels_destroy(c->tunnels, c->rests);
	loop_timer_destroy(c->second);
	tls_context_destroy(c->tls);
	mptcp_host_close(&c->mptcp_host);
	free(c);
}

/* Gateways may join as many subflows as the kernel has room for, and are not
 * followed to addresses that they announce. */
static void open_mptcp(struct concentrator *c)
{
	struct mptcp_host *host = &c->mptcp_host;
	struct kerr err = { "" };

	mptcp_host_open(host, c->role.loop, &c->role.conf->main, NULL, NULL);
	if (!host->pm) {
		log_info("no MPTCP for gateways: %s", host->obstacle);
		return;
	}
	mptcp_host_set_scheduler(host, &c->role.conf->main);
	if (mptcp_pm_raise_limits(host->pm, MPTCP_PM_SUBFLOWS_MAX, &err) < 0 ||
	    mptcp_pm_set_accepted_addresses(host->pm, 0, &err) < 0)
		log_sys("mptcp: %s", err.text);
}

static int make_parts(struct concentrator *c)
{
	const char *state = c->role.conf->main.state;
	const struct worker_args worker = {
		.loop = c->role.loop, .memory_max = c->role.memory.max,
		.is_single = c->role.conf->main.offload == CONF_OFFLOAD_OFF,
		.mptcp_host = &c->mptcp_host, .on_change = on_change, .ctx = c,
	};

	c->second = loop_timer_create(c->role.loop, on_second, c);
	c->tls = tls_context_create(TLS_SERVER, state);
	if (!c->tls)
		log_user("identity in %s: %s; aggctl keygen %s makes one", state,
		         strerror(errno), state);
	c->door.tls = c->tls;
	c->tunnels = tunnels_create(c->role.loop, c->role.netmon, c->role.conf);
	if (!c->second || !c->tls || !c->tunnels)
		return -1;
	int err = workers_init(&c->workers, &c->role.conf->main, &worker);
	if (err < 0)
		log_sys("workers: %s", strerror(-err));
	return err;
}

static int begin(struct concentrator *c)
{
	struct conf_error error = { "" };
	int err = take_conf(c, c->role.conf, &error);

	if (err < 0) {
		log_sys("%s", error.text);
		return err;
	}
	look_at_door(c);
	listen_for_tunnels(c);
	return 0;
}

static struct role *concentrator_create(struct loop *loop,
                                        const struct conf *conf,
                                        struct netmon *netmon)
{
	struct concentrator *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	role_init(&c->role, &role_concentrator, loop, conf, netmon);
	c->door = (struct door){ .loop = loop, .adopt = adopt,
	                         .redeem = redeem, .pass = pass, .ctx = c,
	                         .process = c->role.process };
	snprintf(c->door.congestion, sizeof(c->door.congestion), "%s",
	         conf->main.congestion);
	history_init(&c->history);
	writer_init(&c->writer, loop, &c->history, conf->main.state);
	open_mptcp(c);
	if (make_parts(c) < 0 || begin(c) < 0) {
		concentrator_destroy(&c->role);
		return NULL;
	}
	on_second(c);
	return &c->role;
}

const struct role_ops role_concentrator = {
	.name = "concentrator",
	.create = concentrator_create,
	.reload = concentrator_reload,
	.on_netdev = concentrator_on_netdev,
	.drain = concentrator_drain,
	.streams = concentrator_streams,
	.part = concentrator_part,
	.report = concentrator_report,
	.choose = concentrator_choose,
	.updates = &updates,
	.destroy = concentrator_destroy,
};
