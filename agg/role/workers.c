/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see workers.h. Owns the workers.
 */
#include "agg/role/workers.h"

#include "agg/base/log.h"
#include "agg/kernel/udp.h"

#include <errno.h>
#include <string.h>

static void on_start(void *ctx)
{
	struct workers *w = ctx;

	for (unsigned i = 0; i < w->count; i++) {
		int err = worker_start(w->all[i]);
		if (!err)
			continue;
		log_sys("workers: %s", strerror(-err));
		loop_fail(w->loop, err);
	}
}

int workers_init(struct workers *w, const struct conf_main *main,
                 const struct worker_args *args)
{
	unsigned count = worker_count(main);
	struct worker_args one = *args;

	*w = (struct workers){ .loop = args->loop };
	loop_task_init(&w->start, w->loop, on_start, w);
	one.workers = count;
	one.memory_max = args->memory_max / count;
	for (; w->count < count; w->count++) {
		one.index = w->count;
		w->all[w->count] = worker_create(&one);
		if (!w->all[w->count])
			return -errno;
	}
	loop_task_post(&w->start);
	return 0;
}

void workers_finish(struct workers *w)
{
	loop_task_cancel(&w->start);
	while (w->count)
		worker_destroy(w->all[--w->count]);
}

int workers_facts(struct workers *w, const struct worker_facts *facts)
{
	int err = 0;

	for (unsigned i = 0; i < w->count && !err; i++)
		err = worker_prepare(w->all[i], facts);
	for (unsigned i = 0; i < w->count; i++)
		if (err)
			worker_forget(w->all[i]);
		else /* it is prepared, and does not fail */
			(void)worker_facts(w->all[i], facts);
	return err;
}

void workers_listen(struct workers *w, const struct addr *at, unsigned count,
                    void (*on_error)(void *ctx, const struct addr *at, int err),
                    void *ctx)
{
	int fds[CONF_WORKERS_MAX], of[CONF_WORKERS_MAX][WORKER_LISTENERS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < w->count; i++)
		worker_listen(w->all[i], NULL, 0); /* their places are free */
	for (unsigned a = 0; a < count && n < WORKER_LISTENERS_MAX; a++) {
		int err = udp_listen(&at[a], NULL, fds, w->count);
		if (err < 0)
			on_error(ctx, &at[a], err);
		for (unsigned i = 0; i < w->count && !err; i++)
			of[i][n] = fds[i];
		n += !err;
	}
	for (unsigned i = 0; i < w->count; i++)
		worker_listen(w->all[i], of[i], n);
}

void workers_drain(struct workers *w)
{
	for (unsigned i = 0; i < w->count; i++)
		worker_drain(w->all[i]);
}

bool workers_part(struct workers *w)
{
	bool have_heard = true;

	for (unsigned i = 0; i < w->count; i++)
		have_heard &= worker_part(w->all[i]);
	return have_heard;
}

void workers_leave(struct workers *w, bool leaves)
{
	for (unsigned i = 0; i < w->count; i++)
		worker_leave(w->all[i], leaves);
}

void workers_report(struct workers *w, struct report *out)
{
	for (unsigned i = 0; i < w->count; i++)
		worker_report(w->all[i], out);
}

void workers_quotas(const struct workers *w,
                    void (*on_site)(void *ctx, const char *name, struct quota *q),
                    void *ctx)
{
	for (unsigned i = 0; i < w->count; i++)
		worker_quotas(w->all[i], on_site, ctx);
}

unsigned workers_streams(const struct workers *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->count; i++)
		n += worker_streams(w->all[i]);
	return n;
}

static struct worker *of(struct workers *w, const struct tls_pin *pin)
{
	return w->all[worker_of(pin, w->count)];
}

void workers_adopt(struct workers *w, struct subflow *sf,
                   const struct tls_pin *pin, const struct wire_hello *hello)
{
	worker_adopt(of(w, pin), sf, pin, hello);
}

int workers_choose(struct workers *w, const struct conf_site *site,
                   const struct choice *choice, struct buf *out)
{
	struct tls_pin pin;

	memcpy(pin.sha256, site->pin.sha256, sizeof(pin.sha256));
	return worker_choose(of(w, &pin), site, choice, out);
}
