/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see left.h. Owns the sessions and their subflows.
 */
#include "agg/role/left.h"

#include "agg/base/log.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

struct flow {
	struct left *left; /* borrowed */
	struct subflow *sf; /* NULL: to be made anew */
	unsigned path, bundle;
	uint64_t due_us;
	unsigned failures;
	struct flow *prev, *next; /* left.flows */
};

struct left {
	struct lefts *in;       /* borrowed */
	struct home home;
	struct home_args was;   /* of the home that it was in */
	struct flow *flows;
	struct tls_context *tls; /* for those that are made anew; NULL: none are */
	left_begin_fn *begin;
	void *begin_ctx;         /* borrowed */
	struct keeper_session session;
	uint64_t until_us;
	struct left *prev, *next; /* lefts.all */
};

/* Its subflows ----------------------------------------------------------------- */

static void forget(struct flow *f)
{
	DL_DELETE(f->left->flows, f);
	free(f);
}

static bool is_renewed(const struct flow *f)
{
	return f->left->tls && f->path < WIRE_UPLINKS_MAX;
}

static void wait(struct flow *f)
{
	unsigned doublings = f->failures < LEFT_DOUBLINGS_MAX ? f->failures
	                                                      : LEFT_DOUBLINGS_MAX;

	f->sf = NULL;
	f->due_us = loop_now_us(f->left->was.loop) + ((uint64_t)LEFT_PAUSE_US << doublings);
}

static void on_end(void *ctx, struct subflow *sf, bool joined, const char *why)
{
	struct flow *f = ctx;

	if (!is_renewed(f)) {
		forget(f);
		return;
	}
	wait(f);
	f->failures++;
}

/* Of one that was made anew. */
static void on_ready(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                     const struct wire_hello *hello,
                     const struct wire_welcome *welcome)
{
	struct flow *f = ctx;

	if (welcome->incarnation != f->left->session.incarnation) {
		subflow_fail(sf, "the session before is over");
		return;
	}
	f->failures = 0;
	if (subflow_join(sf, f->left->home.session, 0) == 0)
		log_info("a session of before an update: path %u, bundle %u: up again",
		         f->path, f->bundle);
}

static void on_vain(void *ctx, struct subflow *sf, bool joined, const char *why)
{
}

static const struct subflow_events flow_events = { .on_ready = on_ready,
                                                   .on_end = on_end };
static const struct subflow_events vain_events = { .on_end = on_vain };

void left_adopt(void *ctx, struct subflow *sf, unsigned path, unsigned bundle)
{
	struct left *left = ctx;
	struct flow *f = sf || left->tls ? calloc(1, sizeof(*f)) : NULL;

	if (!f && !sf)
		return;
	if (!f) {
		subflow_hand_over(sf, &vain_events, NULL);
		subflow_fail(sf, "out of memory");
		return;
	}
	*f = (struct flow){ .left = left, .sf = sf, .path = path, .bundle = bundle };
	if (sf)
		subflow_hand_over(sf, &flow_events, f);
	DL_APPEND(left->flows, f);
}

void left_renew(struct left *left, struct tls_context *tls, left_begin_fn *begin,
                void *ctx)
{
	left->tls = tls;
	left->begin = begin;
	left->begin_ctx = ctx;
}

static void renew(struct left *left, uint64_t now_us)
{
	struct flow *f;

	DL_FOREACH(left->flows, f) {
		const struct keeper_guest guest = {
			.tls = left->tls, .session = &left->session,
			.events = &flow_events, .ctx = f,
		};
		if (f->sf || now_us < f->due_us)
			continue;
		f->sf = left->begin(left->begin_ctx, f->path, f->bundle, &guest);
		if (!f->sf)
			wait(f);
	}
}

static void drop(struct flow *f)
{
	struct subflow *sf = f->sf;

	forget(f);
	subflow_destroy(sf);
}

static struct left *find(const struct lefts *lefts, const uint8_t *id)
{
	struct left *left;

	DL_FOREACH(lefts->all, left)
		if (!memcmp(left->session.id, id, sizeof(left->session.id)))
			return left;
	return NULL;
}

bool left_join(struct lefts *lefts, struct subflow *sf, const struct wire_hello *hello)
{
	struct left *left = find(lefts, hello->session_id);
	struct flow *f, *tmp;

	if (!left)
		return false;
	DL_FOREACH_SAFE(left->flows, f, tmp) /* the latest counts */
		if (f->path == hello->path && f->bundle == hello->bundle)
			drop(f);
	left_adopt(left, sf, hello->path, hello->bundle);
	subflow_join(sf, left->home.session, left->session.incarnation);
	return true;
}

/* The session -------------------------------------------------------------------- */

static enum stream_end on_stream(void *ctx, struct stream *stream,
                                 const struct dest *dest, const struct addr *client,
                                 const struct stream_events **events,
                                 void **stream_ctx)
{
	const struct left *left = ctx;

	return left->was.events->on_stream(left->was.ctx, stream, dest, client, events,
	                                   stream_ctx);
}

static void decide(void *ctx, const struct policy_names *person,
                   struct policy_names *holds)
{
	const struct left *left = ctx;

	left->was.events->decide(left->was.ctx, person, holds);
}

static void on_settings(void *ctx, const struct wire_settings *settings)
{
}

static void on_tunnel(void *ctx, const struct wire_frame *frame)
{
}

static void on_over(void *ctx, const char *why)
{
	log_info("a session of before an update: over: %s", why);
}

static void destroy(struct left *left)
{
	struct flow *f, *tmp;

	home_finish(&left->home);
	DL_FOREACH_SAFE(left->flows, f, tmp)
		drop(f);
	tls_context_destroy(left->tls);
	DL_DELETE(left->in->all, left);
	left->in->count--;
	free(left);
}

static void on_ended(void *ctx)
{
	destroy(ctx);
}

static const struct home_events events = {
	.decide = decide, .on_stream = on_stream, .on_settings = on_settings,
	.on_tunnel = on_tunnel, .on_over = on_over, .on_ended = on_ended,
};

static struct left *create(const struct home *home)
{
	struct left *left = calloc(1, sizeof(*left));
	struct home_args args = home->args;

	if (!left)
		return NULL;
	left->was = home->args;
	args.events = &events;
	args.ctx = left;
	if (home_init(&left->home, &args) == 0)
		return left;
	free(left);
	return NULL;
}

struct left *left_take(struct lefts *lefts, struct home *home,
                       const uint8_t id[WIRE_SESSION_ID_BYTES], uint64_t incarnation)
{
	struct left *left = create(home);

	if (!left)
		return NULL;
	if (!home_move(home, &left->home)) {
		home_finish(&left->home);
		free(left);
		return NULL;
	}
	memcpy(left->session.id, id, sizeof(left->session.id));
	left->session.incarnation = incarnation;
	left->until_us = loop_now_us(home->args.loop) + LEFT_US;
	left->in = lefts;
	if (lefts->count >= LEFT_MAX)
		session_close(lefts->all->home.session, "too many updates at once");
	DL_APPEND(lefts->all, left);
	lefts->count++;
	return left;
}

void left_say(struct left *left, uint32_t flags)
{
	home_set_flags(&left->home, left->home.flags | flags);
}

/* Why it is to end; NULL: it is not. */
static const char *why_over(const struct left *left)
{
	if (loop_now_us(left->was.loop) >= left->until_us)
		return "its streams took too long";
	if (home_streams(&left->home))
		return NULL;
	return left->was.opens || !left->flows ? "its last stream has ended" : NULL;
}

void left_step(struct lefts *lefts)
{
	struct left *left;

	DL_FOREACH(lefts->all, left) {
		const char *why = home_is_over(&left->home) ? NULL : why_over(left);
		home_measure(&left->home, NULL);
		if (why)
			session_close(left->home.session, why);
		else if (left->tls && !home_is_over(&left->home))
			renew(left, loop_now_us(left->was.loop));
	}
}

unsigned left_streams(const struct lefts *lefts)
{
	const struct left *left;
	unsigned n = 0;

	DL_FOREACH(lefts->all, left)
		n += home_streams(&left->home);
	return n;
}

static void add_carried(const struct left *left, struct report_head *head)
{
	const struct snapshot_rates *now = &left->home.meter.now;
	bool gateway = left->was.opens;

	head->before_streams += home_streams(&left->home);
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		head->before_down_bps += gateway ? now->rx_bps[p] : now->tx_bps[p];
		head->before_up_bps += gateway ? now->tx_bps[p] : now->rx_bps[p];
	}
}

void left_report(const struct lefts *lefts, const struct snapshot *snap,
                 const char *site, struct report *out)
{
	struct snapshot of = *snap;
	const struct left *left;

	DL_FOREACH(lefts->all, left) {
		of.session = left->home.session;
		of.meter = &left->home.meter;
		snapshot_streams(&of, site, out);
		add_carried(left, &out->head);
	}
}

void left_part(struct lefts *lefts, const char *why)
{
	struct left *left;

	DL_FOREACH(lefts->all, left)
		home_part(&left->home, why);
}

bool left_has_flows(const struct lefts *lefts)
{
	const struct left *left;
	const struct flow *f;

	DL_FOREACH(lefts->all, left)
		DL_FOREACH(left->flows, f)
			if (f->sf)
				return true;
	return false;
}

void left_finish(struct lefts *lefts, const char *why)
{
	while (lefts->all) {
		session_close(lefts->all->home.session, why);
		destroy(lefts->all);
	}
}
