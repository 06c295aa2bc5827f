/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: `aggctl scheduler`: its words, what there is to choose from, and what
 * is said of how long a choice holds. Pure.
 *
 *     scheduler [NAME] [order NAME] [reinjection NAME]
 *               [--class interactive|bulk] [SITE]
 */
#ifndef AGG_ROLE_CHOICE_H
#define AGG_ROLE_CHOICE_H

#include "agg/report/report.h"
#include "agg/role/policy.h"

struct choice {
	const char *scheduler;   /* NULL: not this; so the next two */
	const char *order, *reinjection;
	int class;               /* of the scheduler; -1: all */
	const char *site;        /* borrowed; NULL: not said */
};

/* 0; -EINVAL: why says what is wrong and what is allowed. */
int choice_parse(int argc, const char *const *argv, struct choice *out,
                 struct buf *why);
/* The site that the person means; NULL: why says which there are. */
const struct conf_site *choice_site(const struct choice *choice,
                                    const struct conf *conf, struct buf *why);
/* From now on the person says this too. */
void choice_apply(const struct choice *choice, struct policy_names *person);
/* Until when it holds, and how to keep it: section is where all but classes
 * is written, as "config aggd 'main'". */
void choice_tell(const struct choice *choice, const struct conf *conf,
                 const char *section, struct buf *out);
/* "DIRECTION: how it is sent", a line. */
void choice_tell_sending(const char *direction, const struct wire_wish *names,
                         struct buf *out);
/* Adds every scheduler, order and reinjection policy to a report whose
 * sessions are there already, and which of them run. */
void choice_list(struct report *report);

#endif
