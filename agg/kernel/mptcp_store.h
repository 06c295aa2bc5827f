/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the file that holds an MPTCP journal, and the place that it is about.
 */
#ifndef AGG_KERNEL_MPTCP_STORE_H
#define AGG_KERNEL_MPTCP_STORE_H

#include "agg/kernel/mptcp_journal.h"

/* Fills in boot, netns_inode and netns_cookie of this process. 0 or -errno. */
int mptcp_store_place(struct mptcp_journal *j);

/* Puts the journal in the file's place at once (mode 0600), or removes the
 * file where the journal is empty. A file that says it already is not written.
 * 0 or -errno: then the file is as before. */
int mptcp_store_save(const char *path, const struct mptcp_journal *j);

/* Moves a journal from where it was kept before to path, unless there is one.
 * Then nothing is left at old; what is no journal is removed, too. 0, -ENOENT:
 * nothing was at old; or -errno. */
int mptcp_store_adopt(const char *path, const char *old);

/* Reads it. -ENOENT: none; -EBADMSG: not a whole one, or no plain file of
 * ours; or -errno. *out is empty then. */
int mptcp_store_load(const char *path, struct mptcp_journal *out);

#endif
