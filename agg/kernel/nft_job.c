/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one run of nft(8) in the loop, which goes on meanwhile: its standard
 * error is read as it comes, its end is looked for once that is closed, and
 * at the deadline it is killed. Where the kernel lacks something, what that
 * is is found by more runs, of probes. Owns the child.
 */
#include "agg/kernel/nft.h"

#include "agg/kernel/nft_child.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_US 2000u /* between looks for the end of the child */

struct nft_job {
	struct loop *loop;       /* borrowed */
	struct nft_child child;  /* pid 0: none */
	struct loop_io *io;      /* of child.errors; NULL: it is closed */
	struct loop_timer *timer; /* the deadline, or the next look */
	uint64_t deadline_us;
	bool killed;
	unsigned probe;          /* runs so far, after the first: probes */
	int rc;                  /* of the first */
	size_t len;              /* of output */
	char output[NFT_OUTPUT_MAX];
	char told[NFT_OUTPUT_MAX]; /* what the first said */
	nft_done_fn *on_done;
	void *ctx;
};

static void close_errors(struct nft_job *job)
{
	if (!job->io)
		return;
	loop_io_destroy(job->io);
	job->io = NULL;
	close(job->child.errors);
}

static void job_free(struct nft_job *job)
{
	close_errors(job);
	loop_timer_destroy(job->timer);
	free(job);
}

static void finish(struct nft_job *job, const char *module)
{
	struct kerr err = { "" };
	int rc = nft_explain(job->rc, job->told, module, &err);
	nft_done_fn *on_done = job->on_done;
	void *ctx = job->ctx;

	job_free(job);
	on_done(ctx, rc, &err);
}

static void on_errors(void *ctx, unsigned events)
{
	struct nft_job *job = ctx;
	char more[512];
	ssize_t n = read(job->child.errors, more, sizeof(more));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close_errors(job);
		loop_timer_arm(job->timer, 0);
		return;
	}
	size_t room = NFT_OUTPUT_MAX - 1 - job->len;
	size_t kept = (size_t)n < room ? (size_t)n : room;
	memcpy(job->output + job->len, more, kept);
	job->len += kept;
	job->output[job->len] = 0;
}

static int run(struct nft_job *job, const void *text, size_t len, bool check)
{
	job->len = 0;
	job->output[0] = 0;
	job->child.pid = 0;
	int rc = nft_child_start(&job->child, text, len, check);
	if (rc)
		return rc;
	job->io = loop_io_create(job->loop, job->child.errors, LOOP_READ,
	                         on_errors, job);
	if (!job->io)
		close(job->child.errors);
	loop_timer_arm(job->timer, job->io ? job->deadline_us : 0);
	return 0;
}

/* The child has ended with rc. */
static void on_end(struct nft_job *job, int rc)
{
	if (!job->probe) {
		job->rc = rc;
		memcpy(job->told, job->output, sizeof(job->told));
	}
	const struct nft_probe *probe = job->probe ?
		nft_probe_at(job->probe - 1) : NULL;
	bool lacks = rc > 0 && nft_lacks_something(job->output);
	if (probe && lacks) {
		finish(job, probe->module);
		return;
	}
	bool more = job->probe || lacks;
	probe = more && !job->killed ? nft_probe_at(job->probe++) : NULL;
	if (!probe || run(job, probe->ruleset, strlen(probe->ruleset), true))
		finish(job, NULL);
}

static void on_timer(void *ctx)
{
	struct nft_job *job = ctx;
	uint64_t now_us = loop_now_us(job->loop);
	int status;

	if (!job->killed && now_us >= job->deadline_us) {
		job->killed = true;
		kill(job->child.pid, SIGKILL);
		close_errors(job);
	}
	pid_t done = waitpid(job->child.pid, &status, WNOHANG);
	if (!done || (done < 0 && errno == EINTR)) {
		loop_timer_arm(job->timer, now_us + REAP_US);
		return;
	}
	on_end(job, job->killed ? -ETIMEDOUT :
	       done > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -EIO);
}

struct nft_job *nft_start(struct loop *loop, const void *text, size_t len,
                          nft_done_fn *on_done, void *ctx)
{
	struct nft_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->loop = loop;
	job->on_done = on_done;
	job->ctx = ctx;
	job->deadline_us = loop_now_us(loop) + NFT_TIMEOUT_MS * 1000u;
	job->timer = loop_timer_create(loop, on_timer, job);
	int rc = job->timer ? run(job, text, len, false) : -ENOMEM;
	if (rc) {
		job_free(job);
		errno = -rc;
		return NULL;
	}
	return job;
}

pid_t nft_job_pid(const struct nft_job *job)
{
	return job->child.pid;
}

void nft_cancel(struct nft_job *job)
{
	if (!job)
		return;
	kill(job->child.pid, SIGKILL);
	while (waitpid(job->child.pid, NULL, 0) < 0 && errno == EINTR)
		;
	job_free(job);
}
