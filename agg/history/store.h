/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the history's file. A batch is what is not on the disk yet, gathered in the
 * daemon's thread; it is written in one transaction, by whichever thread, so that a power
 * cut leaves the file as it was before or after it. Slots of a second are not written.
 *
 * The file is bounded as the history is: some megabytes. It is nobody's but its owner's
 * to read. Two ways: store_sqlite.c, and store_none.c where there is no SQLite.
 */
#ifndef AGG_HISTORY_STORE_H
#define AGG_HISTORY_STORE_H

#include "agg/history/history.h"

#define STORE_FILE "history.db" /* in the state directory */
#define STORE_DAMAGED ".damaged" /* put aside, behind its name */
#define STORE_BYTES_MAX (64u << 20)
#define STORE_WHY_MAX 191

struct store_slot {
	uint8_t level;
	uint64_t slot;
	struct ring_value value;
};

struct store_subject {
	enum history_kind kind;
	char name[HISTORY_NAME_MAX + 1], address[HISTORY_NAME_MAX + 1];
	uint64_t used_bytes, month_s, month_bytes;
	struct store_slot *slots;
	unsigned count;
};

struct store_batch {
	uint64_t now_s;        /* what is later is not so */
	struct store_subject *subjects; /* all that there are */
	unsigned count;
};

/* What is not saved yet, which counts as saved then; NULL: no memory, or the time is not
 * known. Where the batch comes to nothing: store_unsave(). */
struct store_batch *store_gather(struct history *h);
void store_unsave(struct history *h);
void store_free(struct store_batch *batch); /* NULL is fine */

/* 0 or -errno, and why in words. */
int store_write(const char *path, const struct store_batch *batch,
                char why[STORE_WHY_MAX + 1]);
/* Into an empty history. 0: it is loaded, or there is no file yet. -EBADMSG: it was
 * damaged, and is put aside; -ENOSYS: there is no SQLite; or another -errno; and why. */
int store_load(const char *path, struct history *h, char why[STORE_WHY_MAX + 1]);

#endif
