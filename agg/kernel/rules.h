/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kernel's list of policy rules: read whole, added to, taken from. A
 * list is short (some dozens), and the kernel answers from its memory; no
 * answer takes longer than RULES_TIMEOUT_MS.
 */
#ifndef AGG_KERNEL_RULES_H
#define AGG_KERNEL_RULES_H

#include "agg/kernel/rule.h"

#define RULES_MAX 4096        /* more are left out */
#define RULES_TIMEOUT_MS 500

struct rules; /* the connection */

/* What there is of one family, in the kernel's order. */
struct rules_list {
	struct rule *items;
	unsigned count, cap;
};

struct rules *rules_create(void); /* NULL: errno */
void rules_destroy(struct rules *r);

/* 0 or -errno: -EAFNOSUPPORT, -EOPNOTSUPP where the host has no such family.
 * Finish *out in every case. */
int rules_read(struct rules *r, sa_family_t family, struct rules_list *out);
void rules_list_finish(struct rules_list *list);

/* 0 or -errno; the words of the kernel, or "", are in rules_reason(). */
int rules_add(struct rules *r, const struct rule *rule);
int rules_remove(struct rules *r, const struct rule *rule); /* absent: 0 */
const char *rules_reason(const struct rules *r);

#endif
