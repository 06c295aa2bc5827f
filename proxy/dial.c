/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see dial.h. Owns the sockets that are connecting and the query; has
 * one timer, for whatever is due next. All that happens ends in dial_step(),
 * which looks at what is known by now and starts, waits or ends.
 */
#include "proxy/dial.h"

#include "agg/base/descriptors.h"
#include "agg/kernel/sockopt.h"
#include "proxy/reach.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum family { IPV6, IPV4, FAMILIES };

struct attempt {
	struct dial *dial; /* borrowed */
	int fd;
	struct loop_io *io;
	struct addr to;
	uint64_t silent_us; /* when no answer is silence; UINT64_MAX: told */
};

struct queue {
	struct addr addrs[DIAL_ADDRESSES_MAX];
	unsigned n, next;
};

struct dial {
	struct loop *loop;           /* borrowed */
	const struct egress *egress; /* borrowed */
	const struct dial_watch *watch; /* borrowed; may be NULL */
	uint16_t port;
	char device[IFNAMSIZ];       /* "": any */
	dial_fn *on_done;
	void *ctx;
	struct resolve *query;       /* NULL: no more answers will come */
	struct loop_timer *timer;
	bool starting;               /* inside dial_start: no on_done */
	bool answered[FAMILIES];
	struct queue queues[FAMILIES];
	enum family turn;            /* whose address is tried next */
	struct attempt attempts[DIAL_ADDRESSES_MAX];
	unsigned attempts_made, attempts_open;
	uint64_t deadline_us;
	uint64_t hold_us;            /* resolution delay: no attempt before */
	uint64_t next_us;            /* attempt delay: the same */
	enum stream_end end;         /* the most telling failure so far */
};

/* How much a failure says about the destination. */
static int telling(enum stream_end end)
{
	switch (end) {
	case STREAM_END_REFUSED:
		return 7;
	case STREAM_END_TIMED_OUT:
		return 6;
	case STREAM_END_HOST_UNREACH:
		return 5;
	case STREAM_END_NET_UNREACH:
		return 4;
	case STREAM_END_NOT_ALLOWED:
		return 3;
	case STREAM_END_LIMIT:
		return 2;
	case STREAM_END_NAME_NOT_FOUND:
		return 1;
	case STREAM_END_FINISHED:
	case STREAM_END_RESET:
	case STREAM_END_SESSION_LOST:
		break;
	}
	return 0;
}

static void note(struct dial *d, enum stream_end end)
{
	if (telling(end) > telling(d->end))
		d->end = end;
}

static enum stream_end end_of(int err)
{
	switch (-err) {
	case ECONNREFUSED:
	case ECONNRESET:
		return STREAM_END_REFUSED;
	case ETIMEDOUT:
		return STREAM_END_TIMED_OUT;
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return STREAM_END_NET_UNREACH;
	case EACCES:
	case EPERM:
		return STREAM_END_NOT_ALLOWED;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return STREAM_END_LIMIT;
	}
	return STREAM_END_HOST_UNREACH;
}

/* err is that of the attempt, or -ETIMEDOUT while it goes on. What is for lack
 * of ours says nothing of the destination. */
static void tell_watch(struct attempt *a, int err)
{
	const struct dial_watch *watch = a->dial->watch;
	enum stream_end end = err ? end_of(err) : STREAM_END_FINISHED;
	bool answered = !err || end == STREAM_END_REFUSED;

	if (watch && (answered || end == STREAM_END_TIMED_OUT ||
	              end == STREAM_END_HOST_UNREACH ||
	              end == STREAM_END_NET_UNREACH))
		watch->on_outcome(watch->ctx, &a->to, answered);
	a->silent_us = UINT64_MAX;
}

static int attempt_detach(struct attempt *a)
{
	int fd = a->fd;

	loop_io_destroy(a->io);
	a->io = NULL;
	a->fd = -1;
	a->dial->attempts_open--;
	return fd;
}

/* Tells of those that are silent by now, and gives up where that is in vain. */
static void watch_silence(struct dial *d, uint64_t now_us)
{
	for (unsigned i = 0; d->watch && i < d->attempts_made; i++) {
		struct attempt *a = &d->attempts[i];
		if (a->fd < 0)
			continue;
		if (a->silent_us <= now_us)
			tell_watch(a, -ETIMEDOUT);
		if (a->silent_us != UINT64_MAX ||
		    !d->watch->is_vain(d->watch->ctx, a->to.family))
			continue;
		close(attempt_detach(a));
		note(d, STREAM_END_TIMED_OUT);
		d->next_us = 0;
	}
}

/* When to look again. */
static uint64_t silence_at_us(const struct dial *d, uint64_t now_us)
{
	uint64_t at_us = UINT64_MAX;

	for (unsigned i = 0; d->watch && i < d->attempts_made; i++) {
		const struct attempt *a = &d->attempts[i];
		uint64_t look_us = a->silent_us != UINT64_MAX ? a->silent_us
		                 : now_us + DIAL_VAIN_LOOK_US;
		if (a->fd >= 0 && look_us < at_us)
			at_us = look_us;
	}
	return at_us;
}

static void dial_free(struct dial *d)
{
	for (unsigned i = 0; i < d->attempts_made; i++)
		if (d->attempts[i].fd >= 0)
			close(attempt_detach(&d->attempts[i]));
	resolve_cancel(d->query);
	loop_timer_destroy(d->timer);
	free(d);
}

static void finish(struct dial *d, const struct dial_result *result)
{
	dial_fn *on_done = d->on_done;
	void *ctx = d->ctx;

	dial_free(d);
	on_done(ctx, result);
}

static void succeed(struct attempt *a)
{
	struct dial *d = a->dial;
	struct dial_result result = { .fd = attempt_detach(a) };

	/* It is only told to the client: not worth failing for. */
	if (sockopt_local(result.fd, &result.bound) < 0)
		result.bound = (struct addr){ .family = AF_UNSPEC };
	finish(d, &result);
}

static void dial_step(struct dial *d);

static void on_connected(void *ctx, unsigned events)
{
	struct attempt *a = ctx;
	struct dial *d = a->dial;
	int err = sockopt_error(a->fd);

	tell_watch(a, err);
	if (!err) {
		succeed(a);
		return;
	}
	close(attempt_detach(a));
	note(d, end_of(err));
	d->next_us = 0;
	dial_step(d);
}

static int open_attempt(struct attempt *a, const struct addr *to)
{
	a->fd = sockopt_tcp_open(to->family, a->dial->device, NULL);
	if (a->fd < 0)
		return a->fd;
	a->dial->attempts_open++;
	int err = descriptors_allow(DESCRIPTORS_STREAM, a->fd) ?
	          sockopt_connect(a->fd, to) : -EMFILE;
	if (!err)
		a->io = loop_io_create(a->dial->loop, a->fd, LOOP_WRITE,
		                       on_connected, a);
	if (!err && !a->io)
		err = -ENOMEM;
	if (err)
		close(attempt_detach(a));
	return err;
}

static struct queue *next_queue(struct dial *d)
{
	struct queue *first = &d->queues[d->turn];
	struct queue *other = &d->queues[!d->turn];

	if (d->attempts_made == DIAL_ADDRESSES_MAX)
		return NULL;
	return first->next < first->n ? first
	     : other->next < other->n ? other : NULL;
}

static void try_next(struct dial *d, struct queue *q, uint64_t now_us)
{
	struct attempt *a = &d->attempts[d->attempts_made++];

	a->dial = d;
	a->to = q->addrs[q->next];
	a->silent_us = now_us + REACH_SILENT_US;
	d->turn = q == &d->queues[IPV6] ? IPV4 : IPV6;
	int err = open_attempt(a, &q->addrs[q->next++]);
	if (err) {
		tell_watch(a, err);
		note(d, end_of(err));
	}
	d->next_us = err ? 0 : now_us + DIAL_ATTEMPT_DELAY_US;
}

static void fail(struct dial *d)
{
	struct dial_result result = { .fd = -1, .end = d->end };

	if (d->end == STREAM_END_FINISHED)
		result.end = STREAM_END_NAME_NOT_FOUND;
	finish(d, &result);
}

/* When the next attempt may start. With none open there is nothing to give a
 * head start to but the other family's answer. */
static uint64_t attempt_at_us(const struct dial *d)
{
	uint64_t wait_us = d->attempts_open ? d->next_us : 0;

	return wait_us > d->hold_us ? wait_us : d->hold_us;
}

/* Does what can be done now. The dial may be gone afterwards. */
static void dial_step(struct dial *d)
{
	uint64_t now_us = loop_now_us(d->loop);
	struct queue *q;

	watch_silence(d, now_us);
	while ((q = next_queue(d)) && attempt_at_us(d) <= now_us)
		try_next(d, q, now_us);
	uint64_t silent_us = silence_at_us(d, now_us);

	bool over = !q && !d->attempts_open &&
	            (!d->query || d->attempts_made == DIAL_ADDRESSES_MAX);
	if (now_us >= d->deadline_us) {
		note(d, STREAM_END_TIMED_OUT);
		over = true;
	}
	if (over && !d->starting) {
		fail(d);
		return;
	}
	uint64_t at_us = over ? now_us : d->deadline_us;
	if (!over && q && attempt_at_us(d) < at_us)
		at_us = attempt_at_us(d);
	if (silent_us < at_us)
		at_us = silent_us;
	loop_timer_arm(d->timer, at_us);
}

static void on_timer(void *ctx)
{
	dial_step(ctx);
}

static void add_address(struct dial *d, const struct addr *a)
{
	struct addr to = egress_unmapped(a);
	struct queue *q = &d->queues[to.family == AF_INET6 ? IPV6 : IPV4];

	to.port = d->port;
	if (!egress_allows(d->egress, &to))
		note(d, STREAM_END_NOT_ALLOWED);
	else if (q->n < DIAL_ADDRESSES_MAX)
		q->addrs[q->n++] = to;
}

static void on_answer(void *ctx, sa_family_t family, const struct addr *addrs,
                      unsigned n, int err)
{
	struct dial *d = ctx;
	enum family which = family == AF_INET6 ? IPV6 : IPV4;

	d->answered[which] = true;
	if (d->answered[!which])
		d->query = NULL;
	for (unsigned i = 0; i < n; i++)
		add_address(d, &addrs[i]);
	if (!n)
		note(d, err == -ETIMEDOUT ? STREAM_END_TIMED_OUT
		                          : STREAM_END_NAME_NOT_FOUND);
	d->hold_us = d->answered[IPV6] ? 0 : loop_now_us(d->loop) +
	                                     DIAL_RESOLUTION_DELAY_US;
	dial_step(d);
}

struct dial *dial_start(const struct dial_args *args)
{
	const struct dest *dest = args->dest;
	struct dial *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->loop = args->loop;
	d->egress = args->egress;
	d->watch = args->watch;
	d->port = dest->addr.port;
	if (args->device)
		snprintf(d->device, sizeof(d->device), "%s", args->device);
	d->on_done = args->on_done;
	d->ctx = args->ctx;
	d->deadline_us = loop_now_us(d->loop) +
	                 (args->deadline_us ? args->deadline_us : DIAL_DEADLINE_US);
	d->timer = loop_timer_create(d->loop, on_timer, d);
	if (!d->timer)
		goto err_free;
	if (dest->addr.family != AF_UNSPEC)
		add_address(d, &dest->addr);
	else if (!(d->query = resolve_start(args->resolver, args->share,
	                                    dest->name, on_answer, d)))
		goto err_free;
	d->starting = true;
	dial_step(d);
	d->starting = false;
	return d;

err_free:
	dial_free(d);
	errno = ENOBUFS;
	return NULL;
}

void dial_cancel(struct dial *d)
{
	if (d)
		dial_free(d);
}
