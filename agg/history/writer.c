/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see writer.h. The thread has the batch alone, and says so when it is done.
 */
#include "agg/history/writer.h"

#include "agg/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STACK_BYTES (256u << 10) /* of the thread; 30 KB are used */

static void *run(void *ctx)
{
	struct writer *w = ctx;

	w->err = store_write(w->path, w->batch, w->said);
	atomic_store(&w->is_done, true);
	return NULL;
}

/* Signals are for the daemon's thread. */
static int begin_thread(struct writer *w)
{
	sigset_t all, before;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(&w->thread, &attr, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

/* A disk that is full stays so: it is said once. */
static void note(struct writer *w)
{
	store_free(w->batch);
	w->batch = NULL;
	if (w->err)
		store_unsave(w->history);
	if (w->err && strcmp(w->why, w->said))
		log_sys("history: %s: %s; it is tried again", w->path, w->said);
	if (!w->err && *w->why)
		log_info("history: %s is written again", w->path);
	snprintf(w->why, sizeof(w->why), "%s", w->err ? w->said : "");
}

static void begin(struct writer *w)
{
	w->batch = store_gather(w->history);
	if (!w->batch)
		return;
	atomic_store(&w->is_done, false);
	w->err = begin_thread(w);
	w->runs = !w->err;
	if (w->runs)
		return;
	snprintf(w->said, sizeof(w->said), "%s", strerror(-w->err));
	note(w);
}

static void join(struct writer *w)
{
	pthread_join(w->thread, NULL);
	w->runs = false;
	note(w);
}

void writer_step(struct writer *w)
{
	uint64_t now = loop_now_us(w->loop);

	if (w->runs && atomic_load(&w->is_done))
		join(w);
	if (w->runs || now < w->next_us)
		return;
	w->next_us = now + WRITER_EVERY_US;
	begin(w);
}

void writer_init(struct writer *w, struct loop *loop, struct history *history,
                 const char *directory)
{
	*w = (struct writer){ .loop = loop, .history = history };
	w->next_us = loop_now_us(loop) + WRITER_EVERY_US;
	int n = snprintf(w->path, sizeof(w->path), "%s/" STORE_FILE, directory);
	int err = n >= (int)sizeof(w->path) ? -ENAMETOOLONG :
		store_load(w->path, history, w->said);
	if (err == -EBADMSG)
		log_sys("history: %s is damaged (%s): it is now %s" STORE_DAMAGED
		        ", and a new one begins", w->path, w->said, w->path);
	else if (err == -ENOSYS)
		w->next_us = UINT64_MAX;
	else if (err)
		log_sys("history: %s: %s", w->path, *w->said ? w->said : strerror(-err));
	if (err && err != -EBADMSG)
		snprintf(w->why, sizeof(w->why), "%s", w->said);
}

void writer_finish(struct writer *w)
{
	if (!w->loop)
		return;
	if (w->runs)
		join(w);
	if (w->next_us != UINT64_MAX)
		w->batch = store_gather(w->history);
	if (!w->batch)
		return;
	w->err = store_write(w->path, w->batch, w->said);
	note(w);
}
