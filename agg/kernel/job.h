/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a program that runs beside the loop, for what takes long: what it says, on
 * standard output and error alike, is read as it comes; what it is told stands on
 * its standard input, so that no other user sees it in the list of processes. It
 * and what it starts itself are a process group, and are killed together.
 */
#ifndef AGG_KERNEL_JOB_H
#define AGG_KERNEL_JOB_H

#include "agg/base/buf.h"
#include "agg/base/loop.h"

#include <stdbool.h>
#include <sys/types.h>

struct job_args {
	struct loop *loop;        /* borrowed, until it is destroyed */
	const char *const *argv;  /* argv[0] is a path, or looked for; ends with NULL */
	const void *input;        /* copied */
	size_t input_len;
	uint64_t timeout_us;      /* then it is killed */
	size_t output_max;        /* bytes; what comes then is thrown away */
	/* (optional) It is over; it may be destroyed in here. */
	void (*on_over)(void *ctx);
	void *ctx;
};

struct job;

/* NULL: errno; ENOENT: there is no such program. */
struct job *job_start(const struct job_args *args);
pid_t job_pid(const struct job *job); /* of one that runs */
bool job_is_over(const struct job *job);
/* Of one that is over: its exit status; -ETIMEDOUT: it was killed; -EIO: it ended
 * in another way. */
int job_status(const struct job *job);
/* What it has said so far; borrowed. */
const struct buf *job_output(const struct job *job);
void job_destroy(struct job *job); /* kills it; NULL is fine */

#endif
