/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the gateway's session (gateway.c): who joins it, what it says of the
 * concentrator, what an outage and its end mean to the LAN, and by which carrier
 * it sends.
 *
 * One session id lives as long as both ends remember it. When the session is
 * over, or the concentrator shows another incarnation, a new one begins and
 * all subflows connect anew. So it does beside one that leaves (left.h).
 *
 * Two carriers may be connected: an uplink's own subflows (uplink.h), and
 * bundles of the kernel's MPTCP (mptcp.h). Which one is used is carrier.h's to
 * say; the other is in reserve.
 */
#include "agg/role/gateway_impl.h"

#include "agg/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define GIVE_UP_US 1000000u      /* a suspect subflow, before it is replaced */
#define PROBE_US 100000u         /* between echoes, in a trial of carriers */

struct outage_facts gateway_facts(const struct gateway *g)
{
	return (struct outage_facts){
		.draining = g->draining, .remote_ipv6 = g->remote_ipv6,
		.on_outage = g->role.conf->main.on_outage,
	};
}

void gateway_set_modes(struct gateway *g)
{
	const struct outage_facts facts = gateway_facts(g);

	const struct outage *tunnel = &g->tunnel.outage;
	const struct lan_tunnel others = {
		.device = gateway_tunnel_device(g),
		.v4 = outage_tunnel_mode(tunnel, g->tunnel.was_up, &facts, AF_INET),
		.v6 = outage_tunnel_mode(tunnel, g->tunnel.was_up, &facts, AF_INET6),
		.addresses = g->tunnel.peer.lan,
		.addresses_count = g->tunnel.peer.lan_count,
	};

	lan_set_modes(g->lan, outage_mode(&g->outage, &facts, AF_INET),
	              outage_mode(&g->outage, &facts, AF_INET6), &others);
}

static void on_settings(void *ctx, const struct wire_settings *settings)
{
	struct gateway *g = ctx;
	bool ipv6 = settings->flags & WIRE_HAS_IPV6;

	if (settings->flags & WIRE_LEAVES) { /* or it says so back */
		if (!(g->home.flags & WIRE_LEAVES))
			gateway_leave(g);
		return;
	}
	if (ipv6 != g->remote_ipv6 || !g->remote_known)
		log_info("concentrator: %s IPv6", ipv6 ? "has" : "has no");
	g->remote_ipv6 = ipv6;
	g->remote_known = true;
	g->told = settings->wish;
	mptcp_set_peer(g->mptcp, settings->flags & WIRE_HAS_MPTCP);
	gateway_set_modes(g);
	gateway_note_paths(g);
}

static void on_tunnel(void *ctx, const struct wire_frame *frame)
{
	gateway_tunnel_frame(ctx, frame);
}

static void on_suspect(void *ctx)
{
	gateway_note_paths(ctx);
}

static void decide(void *ctx, const struct policy_names *person,
                   struct policy_names *holds)
{
	const struct gateway *g = ctx;

	policy_of_gateway(g->role.conf, person, holds);
}

static void on_over(void *ctx, const char *why)
{
	log_peer("session: over: %s", why);
}

/* What is known of the concentrator stays so. */
static int start_successor(struct gateway *g)
{
	const struct conf_main *main = &g->role.conf->main;
	int err;

	if (getrandom(g->session.id, sizeof(g->session.id), 0) < 0)
		return -errno;
	g->incarnation = 0;
	err = home_start(&g->home, home_memory(main->memory_bytes, g->role.memory.max),
	                 main->linger_us);
	if (err < 0)
		return err;
	session_set_reserve(g->home.session, g->carrier.reserve);
	gateway_tunnel_restart(g);
	return 0;
}

static int start_session(struct gateway *g)
{
	g->remote_known = g->remote_ipv6 = false;
	memset(&g->told, 0, sizeof(g->told));
	return start_successor(g);
}

/* Without a session there is no gateway. */
static bool has_begun(struct gateway *g, int err)
{
	if (err < 0) {
		log_sys("session: %s", strerror(-err));
		loop_stop(g->role.loop);
	}
	return err >= 0;
}

static void on_ended(void *ctx)
{
	struct gateway *g = ctx;

	if (!has_begun(g, start_session(g)))
		return;
	g->session.over = g->gone; /* the next one is its successor's */
	if (g->session.over)
		return;
	g->on_anew(g);
	gateway_note_paths(g);
}

static struct subflow *begin_for_left(void *ctx, unsigned path, unsigned bundle,
                                      const struct keeper_guest *guest)
{
	const struct gateway *g = ctx;
	bool can = g->home.peer_flags & WIRE_PASSES && g->uplinks[path];

	return can ? uplink_begin_guest(g->uplinks[path], bundle, guest) : NULL;
}

void gateway_offer(struct tls_context *tls, uint64_t incarnation)
{
	char name[WIRE_OFFER_MAX + 1];

	wire_offer(incarnation, name);
	tls_context_offer(tls, name);
}

/* Without it its subflows go one by one, as they break. */
static void renew_left(struct gateway *g, struct left *left, uint64_t incarnation)
{
	struct tls_context *tls =
		tls_context_create(TLS_CLIENT, g->role.conf->main.state);

	if (!tls)
		return;
	gateway_offer(tls, incarnation);
	left_renew(left, tls, begin_for_left, g);
}

/* The kernel makes those of its own anew. */
static void leave_mptcp(void *left, struct subflow *sf, unsigned path, unsigned bundle)
{
	left_adopt(left, sf, WIRE_PATH_MPTCP4, bundle);
}

void gateway_leave(struct gateway *g)
{
	struct left *left = left_take(&g->lefts, &g->home, g->session.id, g->incarnation);

	if (!left)
		return; /* then a session that is over tells so soon */
	log_info("session: an update: %u streams go on in the one before",
	         left_streams(&g->lefts));
	if (!g->rests)
		renew_left(g, left, g->incarnation);
	gateway_uplinks_leave(g, left_adopt, left);
	mptcp_leave(g->mptcp, leave_mptcp, left);
	if (!has_begun(g, start_successor(g)))
		return;
	gateway_uplinks_on_endpoints(g);
	mptcp_restart(g->mptcp);
	gateway_note_paths(g);
}

void gateway_say_end(struct gateway *g)
{
	g->session.over = true;
	home_part(&g->home, "the gateway ends");
	left_part(&g->lefts, "the gateway ends");
}

static bool has_subflows(const struct gateway *g)
{
	unsigned n = mptcp_joined(g->mptcp);

	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		n += g->uplinks[i] ? uplink_joined(g->uplinks[i]) : 0;
	return n || left_has_flows(&g->lefts);
}

/* A concentrator that did not hear it keeps the session until `linger` is over. Who is
 * gone has the time to wait for a path to say it on, until ours is. */
bool gateway_part(struct role *role)
{
	struct gateway *g = (struct gateway *)role;
	struct session_stats stats;

	session_stats(g->home.session, &stats);
	if (!g->session.over && !stats.lanes && g->gone)
		return false;
	if (!g->session.over)
		gateway_say_end(g);
	return !has_subflows(g);
}

static const struct home_events home_events = {
	.decide = decide, .on_settings = on_settings, .on_tunnel = on_tunnel,
	.on_suspect = on_suspect,
	.on_over = on_over, .on_ended = on_ended,
};

bool gateway_admit(struct gateway *g, struct subflow *sf,
                   const struct wire_welcome *welcome)
{
	if (g->incarnation && g->incarnation != welcome->incarnation) {
		subflow_fail(sf, "the concentrator started anew");
		session_close(g->home.session, "the concentrator started anew");
		return false;
	}
	g->incarnation = welcome->incarnation;
	if (subflow_join(sf, g->home.session, 0) < 0)
		return false;
	snprintf(g->cipher, sizeof(g->cipher), "%s", subflow_cipher(sf));
	return true;
}

uint32_t gateway_next_id(void *ctx)
{
	struct gateway *g = ctx;

	return ++g->next_subflow;
}

void gateway_note_paths(struct gateway *g)
{
	struct session_stats stats;

	role_changed(&g->role);
	if (g->session.over)
		return;
	gateway_tunnel_look(g);
	session_stats(g->home.session, &stats);
	if (!outage_step(&g->outage, stats.lanes > stats.lanes_suspect &&
	                 g->remote_known, loop_now_us(g->role.loop)))
		return;
	log_info("session: %s", outage_text(&g->outage,
	                                    g->role.conf->main.on_outage));
	gateway_set_modes(g); /* at once: who reads "up" in the status may rely on it */
}

static void mark_stream(void *ctx, const struct stream_stats *stream)
{
	struct gateway *g = ctx;

	carrier_mark_stream(&g->carrier, stream->id,
	                    stream->rx_bytes + stream->tx_bytes);
}

static void find_facts(const struct gateway *g, struct carrier_facts *out)
{
	struct session_stats stats;

	session_stats(g->home.session, &stats);
	*out = (struct carrier_facts){
		.wanted = g->role.conf->main.carrier,
		.echo_us = stats.echo_us, .echoes = stats.echoes,
	};
	mptcp_facts(g->mptcp, out);
	for (unsigned p = 0; p < WIRE_UPLINKS_MAX; p++)
		out->load_bps += g->home.meter.now.rx_bps[p] + g->home.meter.now.tx_bps[p];
}

void gateway_choose_carrier(struct gateway *g)
{
	uint64_t now = loop_now_us(g->role.loop);
	bool was = g->carrier.mptcp;
	struct carrier_facts facts;

	if (g->rests) /* the successor's trials are enough */
		return;
	if (speedtest_runs(&g->speedtest)) { /* whose load says nothing here */
		session_set_reserve(g->home.session,
		                    speedtest_reserve(&g->speedtest));
		return;
	}
	find_facts(g, &facts);
	if (carrier_step(&g->carrier, &facts, now)) {
		session_each_stream(g->home.session, mark_stream, g);
		carrier_marked(&g->carrier, &facts, now);
	}
	if (g->carrier.mptcp != was) {
		log_info("carrier: %s: %s", g->carrier.mptcp ? "mptcp" : "subflows",
		         g->carrier.why);
		role_changed(&g->role);
	}
	session_set_reserve(g->home.session, g->carrier.reserve);
	if (carrier_is_trying(&g->carrier))
		loop_timer_arm(g->probe, now + PROBE_US);
}

static void on_probe(void *ctx)
{
	struct gateway *g = ctx;

	session_probe(g->home.session);
	gateway_choose_carrier(g);
}

/* Beginning ------------------------------------------------------------------- */

int gateway_session_begin(struct gateway *g)
{
	const struct home_args home = {
		.loop = g->role.loop, .memory = &g->role.memory, .opens = true,
		.give_up_us = GIVE_UP_US, .events = &home_events, .ctx = g,
	};
	int err = home_init(&g->home, &home);

	g->home.flags = WIRE_KEEPS;
	g->probe = loop_timer_create(g->role.loop, on_probe, g);
	if (!err && !g->probe)
		err = -ENOMEM;
	if (!err)
		err = speedtest_init(&g->speedtest, &g->home,
		                     gateway_on_speedtest, g);
	return err ? err : start_session(g);
}
