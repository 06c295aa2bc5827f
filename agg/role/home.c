/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see home.h. Owns the session and its timer: the session's shell towards
 * the loop.
 */
#include "agg/role/home.h"

#include <errno.h>
#include <string.h>

#define SHARE_OF_ALL 8u /* of sessions' memory, for one */

/* The session's shell -------------------------------------------------------- */

static uint64_t now_us(void *ctx)
{
	const struct home *home = ctx;

	return loop_now_us(home->args.loop);
}

static void on_deadline(void *ctx, uint64_t at_us)
{
	struct home *home = ctx;

	if (at_us == UINT64_MAX)
		loop_timer_disarm(home->deadline);
	else
		loop_timer_arm(home->deadline, at_us);
}

static void on_work(void *ctx)
{
	struct home *home = ctx;

	loop_task_post(&home->turn);
}

static void on_turn(void *ctx) /* or its deadline */
{
	struct home *home = ctx;

	session_turn(home->session);
}

static enum stream_end on_stream(void *ctx, struct stream *stream,
                                 const struct dest *dest,
                                 const struct addr *client,
                                 const struct stream_events **events,
                                 void **stream_ctx)
{
	struct home *home = ctx;

	if (home->args.opens) /* and does not accept */
		return STREAM_END_NOT_ALLOWED;
	return home->args.events->on_stream(home->args.ctx, stream, dest, client,
	                                    events, stream_ctx);
}

static void on_settings(void *ctx, const struct wire_settings *settings)
{
	struct home *home = ctx;

	home->peer_flags = settings->flags;
	home->args.events->on_settings(home->args.ctx, settings);
}

static void on_tunnel(void *ctx, const struct wire_frame *frame)
{
	struct home *home = ctx;

	home->args.events->on_tunnel(home->args.ctx, frame);
}

static void on_suspect(void *ctx, const struct lane *lane)
{
	struct home *home = ctx;

	snapshot_log_suspect(home->args.opens ? "uplink " : "site's uplink ",
	                     lane);
	if (home->args.events->on_suspect)
		home->args.events->on_suspect(home->args.ctx);
}

static void on_over(void *ctx, const char *why)
{
	struct home *home = ctx;

	home->args.events->on_over(home->args.ctx, why);
	if (!home->parted)
		loop_task_post(&home->over);
}

static const struct session_events session_events = {
	.now_us = now_us, .on_work = on_work, .on_deadline = on_deadline,
	.on_stream = on_stream, .on_settings = on_settings, .on_tunnel = on_tunnel,
	.on_suspect = on_suspect, .on_over = on_over,
};

/* How it sends --------------------------------------------------------------- */

static void decide(struct home *home, struct session_policy *policy)
{
	struct policy_names holds;

	home->args.events->decide(home->args.ctx, &home->person, &holds);
	policy_resolve(&holds, policy);
	if (home->args.opens)
		policy_wish(&holds, &home->says);
	else
		policy_told(policy, &home->says);
}

static void tell(struct home *home)
{
	if (home->session)
		session_set_settings(home->session, home->flags, &home->says);
}

void home_decide(struct home *home)
{
	struct session_policy policy;
	struct wire_wish before = home->says;

	decide(home, &policy);
	if (!home->session)
		return;
	session_set_policy(home->session, &policy);
	if (memcmp(&before, &home->says, sizeof(before)))
		tell(home);
}

void home_reload(struct home *home, const struct policy_names *before)
{
	const struct policy_names nobody = { 0 };
	struct policy_names after;

	home->args.events->decide(home->args.ctx, &nobody, &after);
	policy_forget(&home->person, before, &after);
	home_decide(home);
}

void home_choose(struct home *home, const struct choice *choice,
                 const char *direction, const struct conf *conf,
                 const char *section, struct buf *out)
{
	struct wire_wish says;

	choice_apply(choice, &home->person);
	home_decide(home);
	says = home->says;
	policy_spell_out(&says);
	choice_tell_sending(direction, &says, out);
	choice_tell(choice, conf, section, out);
}

void home_set_flags(struct home *home, uint32_t flags)
{
	home->flags = flags;
	tell(home);
}

/* Beginning and end ---------------------------------------------------------- */

void home_end(struct home *home)
{
	struct session *session = home->session;

	home->session = NULL;
	loop_task_cancel(&home->over);
	loop_timer_disarm(home->deadline);
	session_destroy(session);
	loop_task_cancel(&home->turn);
}

bool home_is_over(const struct home *home)
{
	return home->parted || home->over.turn;
}

void home_part(struct home *home, const char *why)
{
	if (!home->session)
		return;
	home->parted = true;
	session_close(home->session, why);
}

bool home_move(struct home *from, struct home *to)
{
	if (!from->session || home_is_over(from))
		return false;
	to->session = from->session;
	to->meter = from->meter;
	to->flags = from->flags;
	to->peer_flags = from->peer_flags;
	to->says = from->says;
	from->session = NULL;
	loop_task_cancel(&from->turn);
	loop_timer_disarm(from->deadline);
	session_set_ctx(to->session, to);
	return true;
}

static void end_what_is_over(void *ctx)
{
	struct home *home = ctx;

	home_end(home);
	home->args.events->on_ended(home->args.ctx);
}

int home_init(struct home *home, const struct home_args *args)
{
	*home = (struct home){ .args = *args };
	loop_task_init(&home->turn, args->loop, on_turn, home);
	loop_task_init(&home->over, args->loop, end_what_is_over, home);
	home->deadline = loop_timer_create(args->loop, on_turn, home);
	return home->deadline ? 0 : -ENOMEM;
}

void home_finish(struct home *home)
{
	if (!home->deadline)
		return;
	home_end(home);
	loop_timer_destroy(home->deadline);
	home->deadline = NULL;
}

size_t home_memory(uint64_t wanted, uint64_t most)
{
	uint64_t share = most / SHARE_OF_ALL;

	if (wanted)
		return wanted;
	if (share < SESSION_MEMORY_MIN)
		return SESSION_MEMORY_MIN;
	return share < SESSION_MEMORY_DEFAULT ? share : SESSION_MEMORY_DEFAULT;
}

int home_start(struct home *home, size_t memory_max, uint64_t linger_us)
{
	struct session_args args = {
		.opens = home->args.opens, .memory = home->args.memory,
		.memory_max = memory_max, .linger_us = linger_us,
		.give_up_us = home->args.give_up_us,
		.events = &session_events, .ctx = home,
	};

	decide(home, &args.policy);
	home->session = session_create(&args);
	if (!home->session)
		return -errno;
	memset(&home->meter, 0, sizeof(home->meter));
	home->peer_flags = 0;
	tell(home);
	return 0;
}

void home_set_limits(struct home *home, size_t memory_max, uint64_t linger_us)
{
	if (home->session)
		session_set_limits(home->session, memory_max, linger_us);
}

/* What it shows -------------------------------------------------------------- */

void home_measure(struct home *home, const struct snapshot_totals *more)
{
	uint64_t now_us = loop_now_us(home->args.loop);

	if (!home->session)
		return;
	snapshot_measure(&home->meter, home->session, more, now_us);
	limiting_measure(&home->meter.limiting, home->session,
	                 snapshot_is_busy(&home->meter),
	                 loop_cpu_us(home->args.loop), now_us);
}

unsigned home_streams(const struct home *home)
{
	struct session_stats stats;

	if (!home->session)
		return 0;
	session_stats(home->session, &stats);
	return stats.streams;
}
