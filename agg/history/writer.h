/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the history's file is written every ten minutes, by a thread that ends with it, so
 * that a slow disk holds up nobody; and at the end, when that waits.
 */
#ifndef AGG_HISTORY_WRITER_H
#define AGG_HISTORY_WRITER_H

#include "agg/base/loop.h"
#include "agg/history/store.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#define WRITER_EVERY_US 600000000u

struct writer {
	struct loop *loop;        /* borrowed, as history */
	struct history *history;
	char path[PATH_MAX];
	uint64_t next_us;         /* to be written then; UINT64_MAX: never */
	bool runs;                /* the thread does; what follows is its: */
	pthread_t thread;
	struct store_batch *batch;
	int err;
	char said[STORE_WHY_MAX + 1];
	atomic_bool is_done;      /* it is not any more */
	char why[STORE_WHY_MAX + 1]; /* nothing is on the disk; "": it is */
};

/* Loads what there is in that directory; says what is wrong with it. */
void writer_init(struct writer *w, struct loop *loop, struct history *history,
                 const char *directory);
/* Once a second. */
void writer_step(struct writer *w);
/* Writes what is left. All 0 is fine. */
void writer_finish(struct writer *w);

#endif
