/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what we changed in the kernel's MPTCP settings, as a text that is
 * written before each change, so that the next start can undo what a crash
 * left. The parser and the printer; pure. A line each:
 *
 *     aggd-mptcp 1
 *     boot 1f0c5d4e-...            the boot and the network namespace that it
 *     netns 4026531840 17          is about: inode and cookie (0: unknown)
 *     endpoint 100 10.1.0.2 3      id, address, ifindex
 *     subflows 2 8                 the limit as it was, and as we set it
 *     accepted 1 0
 *     scheduler default burst
 *     end                          without it the text is cut off
 */
#ifndef AGG_KERNEL_MPTCP_JOURNAL_H
#define AGG_KERNEL_MPTCP_JOURNAL_H

#include "agg/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPTCP_JOURNAL_BYTES_MAX 4096
#define MPTCP_JOURNAL_ENDPOINTS_MAX 16 /* room for a change of all 8 */
#define MPTCP_JOURNAL_BOOT_MAX 40      /* a UUID and its NUL */
#define MPTCP_SCHED_NAME_MAX 16        /* the kernel's, with its NUL */

struct mptcp_journal_endpoint {
	uint8_t id; /* 0: not known yet */
	struct addr addr;
	int ifindex;
};

/* A setting: restored to before while it is still what we set. */
struct mptcp_journal_limit {
	bool held;
	uint32_t before, set;
};

struct mptcp_journal {
	char boot[MPTCP_JOURNAL_BOOT_MAX];
	uint64_t netns_inode, netns_cookie;
	unsigned endpoints_count;
	struct mptcp_journal_endpoint endpoints[MPTCP_JOURNAL_ENDPOINTS_MAX];
	struct mptcp_journal_limit subflows, accepted;
	bool sched_held;
	char sched_before[MPTCP_SCHED_NAME_MAX], sched_set[MPTCP_SCHED_NAME_MAX];
};

/* The text into buf; its length, or -ENOBUFS. */
int mptcp_journal_format(const struct mptcp_journal *j, char *buf, size_t size);

/* Reads len bytes. 0, or -EBADMSG: not a whole journal; then *out is empty.
 * Nothing of a text with one wrong line is taken. */
int mptcp_journal_parse(struct mptcp_journal *out, const char *text, size_t len);

/* Is nothing of ours in it? */
bool mptcp_journal_is_empty(const struct mptcp_journal *j);
/* Are both about the same boot and namespace? */
bool mptcp_journal_same_place(const struct mptcp_journal *a,
                              const struct mptcp_journal *b);

/* A name that the kernel may give to a scheduler: a letter, then letters,
 * digits, - and _. */
bool mptcp_journal_is_name(const char *name);

#endif
