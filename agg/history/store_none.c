/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see store.h: without SQLite the history is in memory only.
 */
#include "agg/history/store.h"

#include <errno.h>
#include <stdio.h>

static int is_not_there(char why[STORE_WHY_MAX + 1])
{
	snprintf(why, STORE_WHY_MAX + 1, "this aggd was built without SQLite");
	return -ENOSYS;
}

int store_write(const char *path, const struct store_batch *batch,
                char why[STORE_WHY_MAX + 1])
{
	return is_not_there(why);
}

int store_load(const char *path, struct history *h, char why[STORE_WHY_MAX + 1])
{
	return is_not_there(why);
}
