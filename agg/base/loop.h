/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the event loop. The one door to libev and the only reader of the
 * clock; everybody else is handed now_us. One loop belongs to one thread, the
 * one that runs it; others reach it by a post alone.
 *
 * A watcher lives until its destroyer is called, which is allowed inside any
 * callback, its own too; after that it is never called again.
 */
#ifndef AGG_BASE_LOOP_H
#define AGG_BASE_LOOP_H

#include "agg/base/buf.h"

#include <stdint.h>

struct loop;
struct loop_io;
struct loop_timer;
struct loop_signal;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

typedef void loop_io_fn(void *ctx, unsigned events);
typedef void loop_fn(void *ctx);

struct loop *loop_create(void);         /* NULL: errno */
/* For few descriptors, which may go on to another thread: the kernel remembers
 * nothing of them (poll, where epoll does until they are closed). */
struct loop *loop_create_polled(void);  /* NULL: errno */
void loop_destroy(struct loop *loop);   /* after all watchers are gone */
/* Returns after loop_stop(), or when no io that wants something and no armed
 * timer is left: signals alone do not hold it. 0, or what loop_fail() said. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
void loop_fail(struct loop *loop, int err); /* stops it; -errno */

/* Memory that the queues of a loop's thread pass on to each other: each kind to
 * its own. */
struct loop_spares {
	struct buf_spares in, out;
};
struct loop_spares *loop_spares(struct loop *loop);
void loop_rest(struct loop *loop); /* gives it back */

/* CLOCK_MONOTONIC in microseconds, read now. */
uint64_t loop_now_us(const struct loop *loop);
/* CPU time of the calling thread, ever: which is the loop's, in a callback. */
uint64_t loop_cpu_us(const struct loop *loop);
/* The number of this turn, 1 and up. Tasks belong to the next. */
uint64_t loop_turn(const struct loop *loop);

/* Watches fd for events (LOOP_READ | LOOP_WRITE, may be 0). fd stays the
 * caller's and must outlive the watcher. NULL: errno. */
struct loop_io *loop_io_create(struct loop *loop, int fd, unsigned events,
                               loop_io_fn *on_ready, void *ctx);
void loop_io_want(struct loop_io *io, unsigned events);
void loop_io_destroy(struct loop_io *io);

/* A one-shot timer, created disarmed. at_us is absolute, of loop_now_us;
 * a time that is past fires in the next turn. */
struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *on_expiry,
                                     void *ctx);
void loop_timer_arm(struct loop_timer *timer, uint64_t at_us);
void loop_timer_disarm(struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer *timer);

struct loop_signal *loop_signal_create(struct loop *loop, int signum,
                                       loop_fn *on_signal, void *ctx);
void loop_signal_destroy(struct loop_signal *sig);

/* A task: fn(ctx), once, at the end of this turn, after all callbacks: the
 * place where what was marked dead is freed. The loop's last turn ends so, too:
 * it is done before loop_run() returns. What is posted from inside of one is
 * for the next turn, which comes at once. It is a part of its object, so that it
 * can always be posted; the object cancels it before it goes. */
struct loop_task {
	struct loop *loop; /* borrowed */
	loop_fn *fn;
	void *ctx;
	uint64_t turn;     /* when it was posted; 0: it is not */
	struct loop_task *prev, *next; /* loop.tasks */
};

void loop_task_init(struct loop_task *task, struct loop *loop, loop_fn *fn,
                    void *ctx);
/* Nothing more, where it is posted already. */
void loop_task_post(struct loop_task *task);
void loop_task_cancel(struct loop_task *task);

/* A post: fn(ctx) in the loop's thread, soon; of one thread's, in the order in
 * which they were posted. From any thread. It is the caller's until fn is called,
 * which may free it. None is lost: what came too late for loop_run() is done by
 * loop_destroy(). */
struct loop_post {
	loop_fn *fn;
	void *ctx;
	struct loop_post *prev, *next; /* loop.posts */
};
void loop_post(struct loop *loop, struct loop_post *post);

#endif
