/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the workers of a concentrator (worker.h), and which of them is meant: a
 * site is on one of them, by its pin.
 */
#ifndef AGG_ROLE_WORKERS_H
#define AGG_ROLE_WORKERS_H

#include "agg/role/worker.h"

struct workers {
	struct loop *loop;      /* borrowed: the daemon's */
	struct worker *all[CONF_WORKERS_MAX];
	unsigned count;
	struct loop_task start; /* their threads */
};

/* args without index and workers, and memory_max of all. Their threads begin at
 * the end of the loop's first turn: what a thread may is its own, and what the
 * daemon needed to begin is dropped by then; where one cannot, the loop fails. 0, or
 * -errno; finish in any case. */
int workers_init(struct workers *w, const struct conf_main *main,
                 const struct worker_args *args);
void workers_finish(struct workers *w); /* all 0 is fine */

/* To all, as in worker.h. An error: those of before hold, in all of them. */
int workers_facts(struct workers *w, const struct worker_facts *facts);
void workers_drain(struct workers *w);
bool workers_part(struct workers *w);
void workers_leave(struct workers *w, bool leaves);
void workers_report(struct workers *w, struct report *out);
void workers_quotas(const struct workers *w,
                    void (*on_site)(void *ctx, const char *name, struct quota *q),
                    void *ctx);
unsigned workers_streams(const struct workers *w);
/* Each gets a socket of packet tunnels for each of these addresses, in place of those
 * that it has; where one cannot be had on_error is told. */
void workers_listen(struct workers *w, const struct addr *at, unsigned count,
                    void (*on_error)(void *ctx, const struct addr *at, int err),
                    void *ctx);
/* To the one that has the site. */
void workers_adopt(struct workers *w, struct subflow *sf,
                   const struct tls_pin *pin, const struct wire_hello *hello);
int workers_choose(struct workers *w, const struct conf_site *site,
                   const struct choice *choice, struct buf *out);

#endif
