/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: netifd's interfaces of the configuration: which devices they have, as netifd said
 * last. Nobody is asked where the configuration names none.
 */
#ifndef AGG_INTERFACES_H
#define AGG_INTERFACES_H

#include "agg/conf/conf.h"
#include "agg/kernel/netifd.h"

struct interfaces {
	struct loop *loop;                /* borrowed */
	void (*on_change)(void *ctx);     /* some interface has another device now */
	void *ctx;
	struct netifd *netifd;            /* NULL: nobody has to be asked */
	struct netifd_interface of[NETIFD_INTERFACES_MAX];
	int count;                        /* below 0: there was no answer */
};

/* What conf's interfaces have now, before anybody else has it. */
void interfaces_fill(struct interfaces *all, struct conf *conf);
/* conf holds now: netifd is asked while it has any. */
void interfaces_watch(struct interfaces *all, const struct conf *conf);
void interfaces_ask(struct interfaces *all); /* something may have changed */
void interfaces_end(struct interfaces *all); /* all 0 is fine */

#endif
