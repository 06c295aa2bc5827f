/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: runs nft(8) as a job beside the loop. Where it says that the kernel lacks
 * something, more runs tell what: of rulesets with one expression that is a module
 * of its own. At the start and the end of the daemon, where nothing else is
 * carried, its end is waited for, in a loop that has nothing else to do.
 */
#include "agg/kernel/nft.h"

#include "agg/kernel/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX 2048         /* bytes of what it says that are looked at */
#define STATUS_NOT_FOUND 127    /* of a child whose exec failed */

struct probe {
	const char *module, *ruleset;
};

#define PROBE_HEAD "table inet aggd_probe { chain c { " \
	"type filter hook prerouting priority mangle; "
static const struct probe probes[] = {
	{ "nft_socket", PROBE_HEAD "socket transparent 1 accept\n } }\n" },
	{ "nft_tproxy", PROBE_HEAD
	  "meta l4proto tcp meta nfproto ipv4 tproxy ip to 127.0.0.1:1\n } }\n" },
	{ "nft_ct", PROBE_HEAD "ct mark set 1\n } }\n" },
};
#define PROBES (sizeof(probes) / sizeof(probes[0]))

struct nft_job {
	struct loop *loop;     /* borrowed */
	struct job *job;       /* the run */
	uint64_t deadline_us;  /* of all runs */
	unsigned probe;        /* runs so far, after the first */
	int rc;                /* of the first: its exit status or -errno, */
	char told[OUTPUT_MAX]; /* and the line that it said */
	nft_done_fn *on_done;
	void *ctx;
};

static void on_over(void *ctx);

static int run(struct nft_job *nft, const void *text, size_t len, bool check)
{
	static const char *const apply_argv[] = { "nft", "-f", "-", NULL };
	static const char *const check_argv[] = { "nft", "-c", "-f", "-", NULL };
	uint64_t now_us = loop_now_us(nft->loop);
	const struct job_args args = {
		.loop = nft->loop, .argv = check ? check_argv : apply_argv,
		.input = text, .input_len = len,
		.timeout_us = nft->deadline_us > now_us ?
			nft->deadline_us - now_us : 0,
		.output_max = OUTPUT_MAX, .on_over = on_over, .ctx = nft,
	};

	nft->job = job_start(&args);
	return nft->job ? 0 : -errno;
}

static bool lacks_something(const struct buf *output)
{
	static const char says[] = "No such file";

	return output->len &&
		memmem(buf_head(output), output->len, says, strlen(says));
}

/* module: that the kernel lacks, or NULL. */
static int explain(const struct nft_job *nft, const char *module, struct kerr *err)
{
	if (nft->rc == STATUS_NOT_FOUND)
		return kerr_set(err, -ENOENT, "running nft");
	if (nft->rc <= 0)
		return nft->rc ? kerr_set(err, nft->rc, "running nft") : 0;
	if (module)
		kerr_set(err, 0, "nft: the kernel lacks the module %s", module);
	else
		kerr_set(err, 0, "nft: %s", *nft->told ? nft->told : "failed silently");
	return -EIO;
}

static void finish(struct nft_job *nft, const char *module)
{
	struct kerr err = { "" };
	int rc = explain(nft, module, &err);
	nft_done_fn *on_done = nft->on_done;
	void *ctx = nft->ctx;

	free(nft);
	on_done(ctx, rc, &err);
}

static void keep_first_line(struct nft_job *nft, const struct buf *output)
{
	size_t n = output->len < OUTPUT_MAX ? output->len : OUTPUT_MAX - 1;

	if (n)
		memcpy(nft->told, buf_head(output), n);
	nft->told[n] = 0;
	nft->told[strcspn(nft->told, "\n")] = 0;
}

static void on_over(void *ctx)
{
	struct nft_job *nft = ctx;
	const struct probe *last = nft->probe ? &probes[nft->probe - 1] : NULL;
	int rc = job_status(nft->job);
	bool lacks = rc > 0 && lacks_something(job_output(nft->job));

	if (!last) {
		nft->rc = rc;
		keep_first_line(nft, job_output(nft->job));
	}
	job_destroy(nft->job);
	nft->job = NULL;
	if (last && lacks) {
		finish(nft, last->module);
		return;
	}
	const struct probe *next = (last || lacks) && rc != -ETIMEDOUT &&
		nft->probe < PROBES ? &probes[nft->probe++] : NULL;
	if (!next || run(nft, next->ruleset, strlen(next->ruleset), true))
		finish(nft, NULL);
}

static struct nft_job *begin(struct loop *loop, const void *text, size_t len,
                             bool check, nft_done_fn *on_done, void *ctx)
{
	struct nft_job *nft = calloc(1, sizeof(*nft));

	if (!nft)
		return NULL;
	nft->loop = loop;
	nft->on_done = on_done;
	nft->ctx = ctx;
	nft->deadline_us = loop_now_us(loop) + NFT_TIMEOUT_MS * 1000u;
	int rc = run(nft, text, len, check);
	if (!rc)
		return nft;
	free(nft);
	errno = -rc;
	return NULL;
}

struct nft_job *nft_start(struct loop *loop, const void *text, size_t len,
                          nft_done_fn *on_done, void *ctx)
{
	return begin(loop, text, len, false, on_done, ctx);
}

pid_t nft_job_pid(const struct nft_job *nft)
{
	return job_pid(nft->job);
}

void nft_cancel(struct nft_job *nft)
{
	if (!nft)
		return;
	job_destroy(nft->job);
	free(nft);
}

/* Waiting for it ------------------------------------------------------------- */

struct waiting {
	struct loop *loop;
	struct kerr *err;
	int rc;
};

static void on_waited(void *ctx, int rc, const struct kerr *err)
{
	struct waiting *w = ctx;

	w->rc = rc;
	*w->err = *err;
	loop_stop(w->loop);
}

static int run_and_wait(const void *text, size_t len, bool check, struct kerr *err)
{
	struct waiting w = { .loop = loop_create_polled(), .err = err };

	if (!w.loop)
		return kerr_set(err, -errno, "running nft");
	int rc = begin(w.loop, text, len, check, on_waited, &w) ?
		loop_run(w.loop) : -errno;
	loop_destroy(w.loop);
	return rc ? kerr_set(err, rc, "running nft") : w.rc;
}

int nft_apply(const void *text, size_t len, struct kerr *err)
{
	return run_and_wait(text, len, false, err);
}

int nft_check(const void *text, size_t len, struct kerr *err)
{
	return run_and_wait(text, len, true, err);
}

int nft_cleanup(struct kerr *err)
{
	/* Adding it first makes the deletion of a table not there no error. */
	static const char text[] = NFT_NONE_TEXT;

	return nft_apply(text, sizeof(text) - 1, err);
}
