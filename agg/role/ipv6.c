/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see ipv6.h. Outcomes come from inside of dials and sessions, so what
 * follows from them is done at the end of the turn.
 */
#include "agg/role/ipv6.h"

#include "agg/base/log.h"

#include <errno.h>
#include <unistd.h>

static void tell(struct ipv6 *six)
{
	bool broken = ipv6_is_broken(six), works = six->ready && !broken;

	if (works == six->works)
		return;
	six->works = works;
	if (broken)
		log_sys("egress: no IPv6: nobody answers; it is tried again");
	else if (six->found || !six->args.quiet)
		log_info("egress: %s", works ? "IPv4 and IPv6" : "no IPv6");
	six->found = broken;
	six->args.on_change(six->args.ctx);
}

/* Sees to what is to be told, and when to try. */
static void on_look(void *ctx)
{
	struct ipv6 *six = ctx;

	tell(six);
	if (six->reach.probe_us == UINT64_MAX || six->probe || !six->ready)
		loop_timer_disarm(six->timer);
	else
		loop_timer_arm(six->timer, six->reach.probe_us);
}

static void on_outcome(void *ctx, const struct addr *to, bool answered)
{
	struct ipv6 *six = ctx;

	if (!six->ready)
		return;
	reach_note(&six->reach, to, answered, loop_now_us(six->args.loop));
	loop_task_post(&six->look);
}

static bool is_vain(void *ctx, sa_family_t family)
{
	return family == AF_INET6 && ipv6_is_broken(ctx);
}

static void on_probed(void *ctx, const struct dial_result *result)
{
	struct ipv6 *six = ctx;
	bool answered = result->fd >= 0 || result->end == STREAM_END_REFUSED;

	six->probe = NULL;
	if (result->fd >= 0)
		close(result->fd);
	reach_probed(&six->reach, answered, loop_now_us(six->args.loop));
	on_look(six);
}

static void on_timer(void *ctx)
{
	struct ipv6 *six = ctx;
	struct dest dest = { .name = "" };
	struct dial_args args = {
		.loop = six->args.loop, .egress = six->args.egress,
		.resolver = six->args.resolver, .dest = &dest,
		.deadline_us = REACH_PROBE_US, .on_done = on_probed, .ctx = six,
	};

	reach_probe(&six->reach, &dest.addr);
	six->probe = dial_start(&args);
	if (!six->probe) { /* no memory: as if it had been silent */
		reach_probed(&six->reach, false, loop_now_us(six->args.loop));
		on_look(six);
	}
}

int ipv6_init(struct ipv6 *six, const struct ipv6_args *args)
{
	*six = (struct ipv6){ .args = *args, .watch = { on_outcome, is_vain, six } };
	reach_init(&six->reach);
	loop_task_init(&six->look, args->loop, on_look, six);
	six->timer = loop_timer_create(args->loop, on_timer, six);
	return six->timer ? 0 : -ENOMEM;
}

void ipv6_finish(struct ipv6 *six)
{
	if (!six->args.loop)
		return;
	loop_task_cancel(&six->look);
	dial_cancel(six->probe);
	loop_timer_destroy(six->timer);
}

void ipv6_set_ready(struct ipv6 *six, bool ready)
{
	if (ready == six->ready)
		return;
	six->ready = ready;
	dial_cancel(six->probe);
	six->probe = NULL;
	reach_init(&six->reach); /* another network, another finding */
	on_look(six);
}

bool ipv6_works(const struct ipv6 *six)
{
	return six->works;
}

bool ipv6_is_broken(const struct ipv6 *six)
{
	return six->ready && six->reach.broken;
}
