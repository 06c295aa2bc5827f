/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see netifd.h. Owns the job that is asking: ubus, beside the loop.
 */
#include "agg/kernel/netifd.h"

#include "agg/kernel/job.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct netifd {
	struct loop *loop;        /* borrowed */
	netifd_fn *on_answer;
	void *ctx;
	struct loop_timer *timer; /* the next question */
	uint64_t due_us;          /* of it */
	struct job *job;          /* NULL: none is asked */
	bool again;               /* something changed meanwhile */
};

static void ask_in(struct netifd *n, uint64_t us)
{
	n->due_us = loop_now_us(n->loop) + us;
	loop_timer_arm(n->timer, n->due_us);
}

static void tell(struct netifd *n, const struct netifd_interface *found, int count)
{
	ask_in(n, n->again ? NETIFD_SOON_US : NETIFD_AGAIN_US);
	n->again = false;
	n->on_answer(n->ctx, found, count);
}

static void on_over(void *ctx)
{
	struct netifd_interface found[NETIFD_INTERFACES_MAX];
	struct netifd *n = ctx;
	const struct buf *answer = job_output(n->job);
	int status = job_status(n->job);
	int count = status == -ETIMEDOUT ? status : status ? -EIO :
		netifd_read((const char *)buf_head(answer), answer->len, found);

	job_destroy(n->job);
	n->job = NULL;
	tell(n, found, count);
}

static void ask(void *ctx)
{
	static const char *const argv[] = { "ubus", "call", "network.interface", "dump",
	                                    NULL };
	struct netifd *n = ctx;
	const struct job_args args = {
		.loop = n->loop, .argv = argv, .timeout_us = NETIFD_TIMEOUT_US,
		.output_max = NETIFD_ANSWER_MAX, .on_over = on_over, .ctx = n,
	};

	n->job = job_start(&args);
	if (!n->job)
		tell(n, NULL, -errno);
}

struct netifd *netifd_create(struct loop *loop, netifd_fn *on_answer, void *ctx)
{
	struct netifd *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->loop = loop;
	n->on_answer = on_answer;
	n->ctx = ctx;
	n->timer = loop_timer_create(loop, ask, n);
	if (!n->timer) {
		free(n);
		return NULL;
	}
	ask_in(n, 0);
	return n;
}

void netifd_destroy(struct netifd *n)
{
	if (!n)
		return;
	job_destroy(n->job);
	loop_timer_destroy(n->timer);
	free(n);
}

void netifd_ask(struct netifd *n)
{
	if (!n)
		return;
	if (n->job) /* what it says may be from before */
		n->again = true;
	else if (n->due_us > loop_now_us(n->loop) + NETIFD_SOON_US)
		ask_in(n, NETIFD_SOON_US);
}
