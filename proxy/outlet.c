/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see outlet.h. Owns the dials that are on their way, each from
 * outlet_take to its result, or to the end of its stream.
 */
#include "proxy/outlet.h"

#include "agg/base/log.h"
#include "agg/base/seldom.h"
#include "proxy/dial.h"

#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

struct outlet {
	struct outlet_args args;
	struct job *jobs;    /* that are dialled: job.next */
	struct job *waiting; /* for another turn: job.next */
	struct loop_task again;
	unsigned count;
	uint64_t told_us; /* of a shortage, last */
};

struct job {
	struct outlet *outlet; /* borrowed */
	struct job *prev, *next;
	bool waits;
	struct dest dest;      /* where to, while it waits */
	struct share *share;   /* borrowed */
	struct stream *stream; /* borrowed */
	struct relay *relay;   /* borrowed */
	struct dial *dial;
};

static void job_free(struct job *job)
{
	struct outlet *o = job->outlet;

	dial_cancel(job->dial);
	if (job->waits)
		DL_DELETE(o->waiting, job);
	else
		DL_DELETE(o->jobs, job);
	o->count--;
	share_give(job->share, SHARE_DIALS);
	free(job);
}

static void on_abandoned(void *ctx)
{
	job_free(ctx);
}

/* The descriptors that streams may have are used up, or memory is. */
static void note_shortage(struct outlet *o)
{
	if (seldom(&o->told_us, loop_now_us(o->args.loop), OUTLET_TELL_US))
		log_sys("streams are refused: no descriptor is left for them but "
		        "the reserve, or no memory");
}

static void on_dialled(void *ctx, const struct dial_result *result)
{
	struct job *job = ctx;

	job->dial = NULL;
	if (result->fd < 0 && result->end == STREAM_END_LIMIT)
		note_shortage(job->outlet);
	if (result->fd < 0) {
		relay_fail(job->relay, result->end);
	} else {
		stream_accept(job->stream, &result->bound);
		relay_attach(job->relay, result->fd);
	}
	job_free(job);
}

/* 0, or -errno. */
static int begin(struct job *job)
{
	struct outlet *o = job->outlet;
	struct dial_args args = {
		.loop = o->args.loop,
		.egress = o->args.egress,
		.resolver = o->args.resolver,
		.share = job->share,
		.watch = o->args.watch,
		.dest = &job->dest,
		.on_done = on_dialled,
		.ctx = job,
	};

	job->dial = dial_start(&args);
	return job->dial ? 0 : -errno;
}

/* Those that a turn had no part for. */
static void begin_waiting(void *ctx)
{
	const struct dial_result none = { .fd = -1, .end = STREAM_END_LIMIT };
	struct outlet *o = ctx;
	uint64_t turn = loop_turn(o->args.loop);

	for (int i = 0; o->waiting && i < OUTLET_LOOK_MAX; i++) {
		struct job *job = o->waiting;
		DL_DELETE(o->waiting, job);
		job->waits = !share_begins(job->share, turn);
		if (job->waits) {
			DL_APPEND(o->waiting, job);
			continue;
		}
		DL_APPEND(o->jobs, job);
		if (begin(job) < 0)
			on_dialled(job, &none);
	}
	if (o->waiting)
		loop_task_post(&o->again);
}

static int begin_or_wait(struct job *job)
{
	struct outlet *o = job->outlet;

	job->waits = !share_begins(job->share, loop_turn(o->args.loop));
	if (!job->waits) {
		DL_APPEND(o->jobs, job);
		return begin(job);
	}
	DL_APPEND(o->waiting, job);
	loop_task_post(&o->again);
	return 0;
}

static struct job *job_create(struct outlet *o, struct share *share,
                              struct stream *s, const struct dest *dest)
{
	if (o->count >= OUTLET_DIALS_MAX || !share_take(share, SHARE_DIALS))
		return NULL;
	struct job *job = calloc(1, sizeof(*job));
	if (!job) {
		share_give(share, SHARE_DIALS);
		return NULL;
	}
	job->outlet = o;
	job->share = share;
	job->stream = s;
	job->dest = *dest;
	o->count++;
	if (begin_or_wait(job) == 0)
		job->relay = relay_expect(o->args.relays, share, s, on_abandoned, job);
	if (!job->relay) {
		job_free(job);
		return NULL;
	}
	return job;
}

enum stream_end outlet_take(struct outlet *o, struct share *share,
                            struct stream *s, const struct dest *dest,
                            const struct stream_events **events,
                            void **stream_ctx)
{
	struct job *job = job_create(o, share, s, dest);

	if (!job)
		return STREAM_END_LIMIT;
	*events = &relay_events;
	*stream_ctx = job->relay;
	return STREAM_END_FINISHED;
}

struct outlet *outlet_create(const struct outlet_args *args)
{
	struct outlet *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->args = *args;
	loop_task_init(&o->again, args->loop, begin_waiting, o);
	return o;
}

void outlet_destroy(struct outlet *o)
{
	if (!o)
		return;
	loop_task_cancel(&o->again);
	while (o->jobs)
		job_free(o->jobs);
	while (o->waiting)
		job_free(o->waiting);
	free(o);
}
