/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: libev behind loop.h. Tasks run in an ev_prepare watcher, which libev
 * calls after the callbacks of a turn and before it sleeps. What they post
 * themselves is for the next turn, which an ev_idle watcher brings about at once.
 */
#include "agg/base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <ev.h>
#include <utlist.h>

struct loop {
	struct ev_loop *ev;
	ev_prepare prepare;
	ev_idle again;
	uint64_t turn;           /* 1 and up */
	struct loop_task *tasks; /* in the order in which they were posted */
	ev_async posted;         /* something is in posts */
	pthread_mutex_t lock;    /* of posts */
	struct loop_post *posts; /* from other threads, in their order */
	struct loop_spares spares;
	int err;                 /* of loop_fail() */
};

struct loop_io {
	ev_io ev;
	struct loop *loop; /* borrowed */
	loop_io_fn *on_ready;
	void *ctx;
};

struct loop_timer {
	ev_timer ev;
	struct loop *loop; /* borrowed */
	loop_fn *on_expiry;
	void *ctx;
};

struct loop_signal {
	ev_signal ev;
	struct loop *loop; /* borrowed */
	loop_fn *on_signal;
	void *ctx;
};

static void run_tasks(struct loop *loop)
{
	loop->turn++; /* what is posted from now on is for the next */
	while (loop->tasks && loop->tasks->turn < loop->turn) {
		struct loop_task *task = loop->tasks;
		loop_task_cancel(task);
		task->fn(task->ctx); /* which may free it */
	}
}

static void on_turn_end(struct ev_loop *ev, ev_prepare *w, int revents)
{
	struct loop *loop = w->data;

	run_tasks(loop);
	if (loop->tasks)
		ev_idle_start(ev, &loop->again);
}

static void on_idle(struct ev_loop *ev, ev_idle *w, int revents)
{
	ev_idle_stop(ev, w);
}

static struct loop_post *take_posts(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	struct loop_post *posts = loop->posts;
	loop->posts = NULL;
	pthread_mutex_unlock(&loop->lock);
	return posts;
}

/* What comes meanwhile is announced by itself. */
static void run_posts(struct loop *loop)
{
	struct loop_post *post, *next, *posts = take_posts(loop);

	for (post = posts; post; post = next) {
		next = post->next;
		post->fn(post->ctx); /* which may free it */
	}
}

static void on_posted(struct ev_loop *ev, ev_async *w, int revents)
{
	run_posts(w->data);
}

void loop_post(struct loop *loop, struct loop_post *post)
{
	pthread_mutex_lock(&loop->lock);
	DL_APPEND(loop->posts, post);
	pthread_mutex_unlock(&loop->lock);
	ev_async_send(loop->ev, &loop->posted);
}

static struct loop *create(unsigned backend)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (!loop)
		return NULL;
	loop->turn = 1;
	loop->ev = ev_loop_new(backend);
	if (!loop->ev) {
		free(loop);
		errno = ENOSYS;
		return NULL;
	}
	ev_idle_init(&loop->again, on_idle);
	ev_prepare_init(&loop->prepare, on_turn_end);
	loop->prepare.data = loop;
	ev_prepare_start(loop->ev, &loop->prepare);
	ev_unref(loop->ev);
	pthread_mutex_init(&loop->lock, NULL);
	ev_async_init(&loop->posted, on_posted);
	loop->posted.data = loop;
	ev_async_start(loop->ev, &loop->posted);
	ev_unref(loop->ev);
	return loop;
}

struct loop *loop_create(void)
{
	return create(EVFLAG_AUTO);
}

struct loop *loop_create_polled(void)
{
	return create(EVBACKEND_POLL);
}

struct loop_spares *loop_spares(struct loop *loop)
{
	return &loop->spares;
}

void loop_rest(struct loop *loop)
{
	buf_spares_finish(&loop->spares.in);
	buf_spares_finish(&loop->spares.out);
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	run_posts(loop);
	while (loop->tasks)
		run_tasks(loop);
	ev_idle_stop(loop->ev, &loop->again);
	loop_rest(loop);
	ev_ref(loop->ev);
	ev_async_stop(loop->ev, &loop->posted);
	pthread_mutex_destroy(&loop->lock);
	ev_ref(loop->ev);
	ev_prepare_stop(loop->ev, &loop->prepare);
	ev_loop_destroy(loop->ev);
	free(loop);
}

int loop_run(struct loop *loop)
{
	loop->err = 0;
	ev_run(loop->ev, 0);
	while (loop->tasks) /* of the turn that was stopped in */
		run_tasks(loop);
	return loop->err;
}

void loop_fail(struct loop *loop, int err)
{
	loop->err = err;
	loop_stop(loop);
}

void loop_stop(struct loop *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}

uint64_t loop_now_us(const struct loop *loop)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t loop_cpu_us(const struct loop *loop)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t loop_turn(const struct loop *loop)
{
	return loop->turn;
}

static void on_io(struct ev_loop *ev, ev_io *w, int revents)
{
	struct loop_io *io = w->data;
	unsigned events = 0;

	if (revents & (EV_READ | EV_ERROR))
		events |= LOOP_READ;
	if (revents & (EV_WRITE | EV_ERROR))
		events |= LOOP_WRITE;
	io->on_ready(io->ctx, events);
}

static int ev_events(unsigned events)
{
	return (events & LOOP_READ ? EV_READ : 0) |
	       (events & LOOP_WRITE ? EV_WRITE : 0);
}

struct loop_io *loop_io_create(struct loop *loop, int fd, unsigned events,
                               loop_io_fn *on_ready, void *ctx)
{
	struct loop_io *io = calloc(1, sizeof(*io));
	if (!io)
		return NULL;
	io->loop = loop;
	io->on_ready = on_ready;
	io->ctx = ctx;
	ev_init(&io->ev, on_io);
	io->ev.data = io;
	ev_io_set(&io->ev, fd, ev_events(events));
	if (events)
		ev_io_start(loop->ev, &io->ev);
	return io;
}

void loop_io_want(struct loop_io *io, unsigned events)
{
	unsigned now = (io->ev.events & EV_READ ? LOOP_READ : 0) |
	               (io->ev.events & EV_WRITE ? LOOP_WRITE : 0);

	if (now == events && ev_is_active(&io->ev) == !!events)
		return;
	/* What is wanted again before the next poll costs no system call. */
	ev_io_stop(io->loop->ev, &io->ev);
	ev_io_modify(&io->ev, ev_events(events));
	if (events)
		ev_io_start(io->loop->ev, &io->ev);
}

void loop_io_destroy(struct loop_io *io)
{
	if (!io)
		return;
	ev_io_stop(io->loop->ev, &io->ev);
	free(io);
}

static void on_timer(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct loop_timer *timer = w->data;

	timer->on_expiry(timer->ctx);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *on_expiry,
                                     void *ctx)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	if (!timer)
		return NULL;
	timer->loop = loop;
	timer->on_expiry = on_expiry;
	timer->ctx = ctx;
	ev_init(&timer->ev, on_timer);
	timer->ev.data = timer;
	return timer;
}

void loop_timer_arm(struct loop_timer *timer, uint64_t at_us)
{
	struct ev_loop *ev = timer->loop->ev;
	uint64_t now = loop_now_us(timer->loop);
	double wait = at_us > now ? (double)(at_us - now) * 1e-6 : 0.;

	/* libev counts from its own idea of now, which is the turn's start. */
	ev_timer_stop(ev, &timer->ev);
	ev_now_update(ev);
	ev_timer_set(&timer->ev, wait, 0.);
	ev_timer_start(ev, &timer->ev);
}

void loop_timer_disarm(struct loop_timer *timer)
{
	ev_timer_stop(timer->loop->ev, &timer->ev);
}

void loop_timer_destroy(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_timer_disarm(timer);
	free(timer);
}

static void on_signal_ev(struct ev_loop *ev, ev_signal *w, int revents)
{
	struct loop_signal *sig = w->data;

	sig->on_signal(sig->ctx);
}

struct loop_signal *loop_signal_create(struct loop *loop, int signum,
                                       loop_fn *on_signal, void *ctx)
{
	struct loop_signal *sig = calloc(1, sizeof(*sig));
	if (!sig)
		return NULL;
	sig->loop = loop;
	sig->on_signal = on_signal;
	sig->ctx = ctx;
	ev_signal_init(&sig->ev, on_signal_ev, signum);
	sig->ev.data = sig;
	ev_signal_start(loop->ev, &sig->ev);
	ev_unref(loop->ev);
	return sig;
}

void loop_signal_destroy(struct loop_signal *sig)
{
	if (!sig)
		return;
	ev_ref(sig->loop->ev);
	ev_signal_stop(sig->loop->ev, &sig->ev);
	free(sig);
}

void loop_task_init(struct loop_task *task, struct loop *loop, loop_fn *fn,
                    void *ctx)
{
	*task = (struct loop_task){ .loop = loop, .fn = fn, .ctx = ctx };
}

void loop_task_post(struct loop_task *task)
{
	if (task->turn)
		return;
	task->turn = task->loop->turn;
	DL_APPEND(task->loop->tasks, task);
}

void loop_task_cancel(struct loop_task *task)
{
	if (!task->turn)
		return;
	task->turn = 0;
	DL_DELETE(task->loop->tasks, task);
}
