/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see update.h. On routers procd waits for the one process that it began: so
 * there are no updates of it but by a restart.
 */
#include "agg/update.h"

#include <errno.h>

void update_look(void *ctx)
{
}

int update_begin(struct daemon *d, struct buf *out)
{
	buf_printf(out, "this build, for routers, has no updates; a restart ends the "
	           "streams that do not end within 10 s\n");
	return -ENOSYS;
}

void update_finish(struct daemon *d)
{
}

int update_wait(struct daemon *d)
{
	return -1;
}

void update_fail(struct daemon *d)
{
}

int update_taken(struct daemon *d)
{
	return -1;
}
