/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see stage.h.
 */
#include "stage.h"

#include "agg/kernel/sockopt.h"
#include "agg/kernel/udp.h"
#include "agg/role/site_tunnel.h"
#include "agg/role/tunnel_home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stage *on; /* the stage, for what is linked by name */

static void check(bool good)
{
	if (!good)
		abort();
}

/* Subflows ------------------------------------------------------------------ */

static uint8_t *on_reserve(void *ctx, size_t n)
{
	return buf_reserve(&((struct subflow *)ctx)->out, n);
}

static void on_commit(void *ctx, size_t n)
{
	buf_added(&((struct subflow *)ctx)->out, n);
}

static void on_flush(void *ctx)
{
}

static void on_info(void *ctx, struct subflow_info *out)
{
	on->infos++;
	*out = (struct subflow_info){
		.srtt_us = 20000, .rttvar_us = 2000, .min_rtt_us = 20000,
		.mss = 1400, .cwnd_bytes = 1 << 20,
		.rate_bps = 10000000, .pacing_bps = 10000000,
	};
}

static void on_set_lowat(void *ctx, size_t bytes)
{
}

static void on_set_pace(void *ctx, uint64_t bps)
{
}

static void on_want_write(void *ctx, bool want)
{
}

static void on_drop(void *ctx, const char *why)
{
	struct subflow *sf = ctx;

	sf->lane = NULL;
	snprintf(sf->dropped, sizeof(sf->dropped), "%s", why);
}

static const struct subflow_ops lane_ops = {
	on_reserve, on_commit, on_flush, on_info, on_set_pace, on_set_lowat,
	on_want_write, on_drop,
};

struct subflow *subflow_accept(const struct subflow_args *args, int fd,
                               const struct addr *peer)
{
	check(on->subflow_count < STAGE_SUBFLOWS_MAX);
	struct subflow *sf = &on->subflows[on->subflow_count++];

	*sf = (struct subflow){ .args = *args, .peer = *peer };
	buf_init(&sf->out, 1 << 20);
	return sf;
}

int subflow_join(struct subflow *sf, struct session *session,
                 uint64_t incarnation)
{
	check(incarnation && !sf->told[0]);
	sf->lane = session_attach(session, &sf->hello, &lane_ops, sf);
	return sf->lane ? 0 : -errno;
}

void subflow_fail(struct subflow *sf, const char *reason)
{
	snprintf(sf->told, sizeof(sf->told), "%s", reason);
}

void subflow_answer(struct subflow *sf, const struct wire_redeemed *answer)
{
	sf->answer = *answer;
}

void subflow_hand_over(struct subflow *sf, const struct subflow_events *events,
                       void *ctx)
{
	sf->args.events = events;
	sf->args.ctx = ctx;
}

void subflow_park(struct subflow *sf)
{
}

bool subflow_lift(struct subflow *sf)
{
	return !sf->broken;
}

int subflow_land(struct subflow *sf, struct loop *loop)
{
	sf->args.loop = loop;
	return 0;
}

void subflow_destroy(struct subflow *sf)
{
	if (!sf)
		return;
	check(!sf->destroyed);
	sf->destroyed = true;
	if (sf->lane)
		session_detach(sf->lane);
	sf->lane = NULL;
	buf_finish(&sf->out);
}

const struct addr *subflow_peer(const struct subflow *sf)
{
	return &sf->peer;
}

uint32_t subflow_id(const struct subflow *sf)
{
	return sf->hello.subflow_id;
}

/* What only reports ask for. */
void subflow_local(const struct subflow *sf, struct addr *out)
{
	on->kernel_calls++;
	*out = sf->peer;
}

const char *subflow_cipher(const struct subflow *sf)
{
	return "none";
}

int subflow_mptcp(const struct subflow *sf, struct mptcpinfo *out)
{
	on->kernel_calls++;
	return -EOPNOTSUPP;
}

void mptcp_host_report(const struct mptcp_host *host, struct report_session *out)
{
}

/* Listeners ----------------------------------------------------------------- */

struct listener {
	listener_fn *on_accept;
	void *ctx;
};

static int listen_fd(const struct addr *at)
{
	return addr_equal(at, &on->busy) ? -EADDRINUSE : 1000;
}

int sockopt_tcp_listen(const struct addr *at, const char *device)
{
	return listen_fd(at);
}

int sockopt_mptcp_listen(const struct addr *at, const char *device)
{
	return on->no_mptcp ? -EPROTONOSUPPORT : listen_fd(at);
}

void sockopt_abort(int fd)
{
}

struct listener *listener_create(struct loop *loop, int fd,
                                 enum descriptors_use use,
                                 listener_fn *on_accept, void *ctx)
{
	struct listener *l = calloc(1, sizeof(*l));

	check(l && fd == 1000);
	*l = (struct listener){ on_accept, ctx };
	return l;
}

void listener_rest(struct listener *l, bool rests)
{
}

void listener_await_words(struct listener *l, bool awaits)
{
	on->awaits_words = awaits;
}

void listener_destroy(struct listener *l)
{
	free(l);
}

/* Packet tunnels, of which there are none ------------------------------------ */

void site_tunnel_frame(struct site *site, const struct wire_frame *frame)
{
}

void site_tunnel_change(struct site *site)
{
}

void site_tunnel_note_paths(struct site *site)
{
}

void site_tunnel_end(struct site *site)
{
}

void dgram_send_singly(struct dgram *d)
{
}

void site_tunnel_measure(struct site *site)
{
}

bool site_tunnel_guesses(const struct site *site)
{
	return false;
}

void site_tunnel_report(const struct site *site, struct report_tunnel *out)
{
}

struct dgram *dgram_create(struct loop *loop, unsigned worker, unsigned workers)
{
	return (struct dgram *)malloc(1);
}

void dgram_destroy(struct dgram *d)
{
	free(d);
}

struct dgram_socket *dgram_adopt(struct dgram *d, int fd)
{
	return NULL;
}

void dgram_close(struct dgram_socket *s)
{
}

void tunnel_kit_rest(struct tunnel_kit *kit)
{
}

void tunnel_kit_close(struct tunnel_kit *kit)
{
}

int udp_listen(const struct addr *at, const char *device, int *fds, unsigned n)
{
	return -EOPNOTSUPP;
}

/* The way out --------------------------------------------------------------- */

static void on_opened(void *ctx, const struct addr *bound)
{
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	return stream_parts_bytes(parts, count);
}

static void on_nothing(void *ctx)
{
}

static void on_closed(void *ctx, enum stream_end end)
{
}

static const struct stream_events stream_events = {
	on_opened, on_data, on_nothing, on_nothing, on_closed,
};

enum stream_end outlet_take(struct outlet *o, struct share *share,
                            struct stream *s, const struct dest *dest,
                            const struct stream_events **events,
                            void **stream_ctx)
{
	check(share != NULL);
	if (on->outlet_says != STREAM_END_FINISHED)
		return on->outlet_says;
	*events = &stream_events;
	on->dials++;
	return STREAM_END_FINISHED;
}

/* The stage ----------------------------------------------------------------- */

static struct conf *parse(const char *text)
{
	struct conf_error error;
	struct conf *conf;

	if (conf_parse("f", text, strlen(text), NULL, &conf, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	return conf;
}

static void redeem(void *ctx, const struct tls_pin *pin,
                   const struct wire_invite *invite, struct wire_redeemed *answer)
{
	struct stage *stage = ctx;

	stage->redeems++;
	answer->result = (uint8_t)stage->redeem_says;
}

static bool pass(void *ctx, int fd, uint32_t process)
{
	struct stage *stage = ctx;

	stage->passed = process;
	return !stage->is_alone;
}

static void adopt(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                  const struct wire_hello *hello)
{
	struct stage *stage = ctx;

	sites_adopt(&stage->sites, sf, pin, hello);
}

void stage_begin(struct stage *stage, const char *conf)
{
	struct site *fresh;
	struct addr culprit;

	on = stage;
	memset(stage, 0, sizeof(*stage));
	stage->loop = loop_create();
	stage->conf = parse(conf);
	stage->pool = (struct share_pool){ .max = { 100, 100, 100 } };
	stage->sites = (struct sites){ .loop = stage->loop,
		.mptcp_host = &stage->mptcp_host, .pool = &stage->pool };
	stage->door = (struct door){ .loop = stage->loop,
		.adopt = adopt, .redeem = redeem, .pass = pass, .ctx = stage,
		.process = STAGE_PROCESS };
	check(sites_prepare(&stage->sites, stage->conf, &fresh) == 0);
	check(door_open(&stage->door, &stage->conf->main, true, &culprit) == 0);
	check(door_know(&stage->door, stage->conf) == 0);
	sites_apply(&stage->sites, stage->conf, stage->conf, fresh);
}

int stage_reload(struct stage *stage, const char *text, struct addr *culprit)
{
	struct conf *conf = parse(text);
	bool mptcp = conf->main.carrier != CONF_CARRIER_SUBFLOWS;
	struct site *fresh;

	check(sites_prepare(&stage->sites, conf, &fresh) == 0);
	int err = door_open(&stage->door, &conf->main, mptcp, culprit);
	if (err < 0) {
		sites_forget(fresh);
		conf_free(conf);
		return err;
	}
	check(door_know(&stage->door, conf) == 0);
	sites_apply(&stage->sites, conf, stage->conf, fresh);
	conf_free(stage->conf);
	stage->conf = conf;
	return 0;
}

void stage_end(struct stage *stage)
{
	door_finish(&stage->door);
	sites_finish(&stage->sites, "the end");
	loop_destroy(stage->loop);
	conf_free(stage->conf);
	on = NULL;
}

struct subflow *stage_come(struct stage *stage, const char *from)
{
	return stage_come_by(stage, from, 1001);
}

struct subflow *stage_come_by(struct stage *stage, const char *from, int fd)
{
	struct addr peer;
	unsigned before = stage->subflow_count;
	struct listener *l = stage->door.listeners[0].listener;

	check(addr_parse(&peer, from, 1) == 0);
	l->on_accept(l->ctx, fd, &peer);
	return stage->subflow_count > before ? &stage->subflows[before] : NULL;
}

void stage_greet(struct subflow *sf, const char *pin, uint8_t session,
                 uint8_t path, uint8_t bundle)
{
	struct tls_pin is;

	check(tls_pin_parse(&is, pin) == 0);
	sf->hello = (struct wire_hello){
		.version = WIRE_VERSION, .path = path, .bundle = bundle,
		.subflow_id = 1 + (uint32_t)(sf - on->subflows), .name = "dsl",
		.incarnation = on->incarnation,
	};
	memset(sf->hello.session_id, session, sizeof(sf->hello.session_id));
	sf->args.events->on_ready(sf->args.ctx, sf, &is, &sf->hello, NULL);
}

void stage_invite(struct subflow *sf, const char *pin, uint8_t secret)
{
	struct wire_invite invite = { .version = WIRE_VERSION };
	struct tls_pin is;

	check(tls_pin_parse(&is, pin) == 0);
	memset(invite.secret, secret, sizeof(invite.secret));
	sf->args.events->on_invite(sf->args.ctx, sf, &is, &invite);
}

void stage_break(struct subflow *sf, const char *why)
{
	bool joined = sf->lane;

	sf->broken = true;
	if (sf->lane)
		session_detach(sf->lane);
	sf->lane = NULL;
	sf->args.events->on_end(sf->args.ctx, sf, joined, why);
	subflow_destroy(sf);
}

void stage_say(struct subflow *sf, const struct wire_frame *frame)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	check(sf->lane);
	if (session_input(sf->lane, bytes, wire_encode(bytes, frame)) >= 0)
		session_deliver(sf->lane);
}

static void on_stop(void *ctx)
{
	loop_stop(ctx);
}

void stage_turn(struct stage *stage)
{
	struct loop_timer *stop = loop_timer_create(stage->loop, on_stop,
	                                            stage->loop);

	loop_timer_arm(stop, loop_now_us(stage->loop));
	loop_run(stage->loop);
	loop_timer_destroy(stop);
}

bool stage_hear(struct subflow *sf, uint8_t type, struct wire_frame *out)
{
	const char *why;
	ssize_t n;

	stage_turn(on); /* the session's */
	while ((n = wire_decode(out, buf_head(&sf->out), sf->out.len, &why)) > 0) {
		buf_take(&sf->out, (size_t)n);
		if (out->type == type)
			return true;
	}
	return false;
}
