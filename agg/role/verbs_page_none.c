/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the page needs of the verbs (verbs_job.h, verbs_conf.h), in a build
 * without one: there `uci` changes the configuration, and aggctl does the rest itself.
 */
#include "agg/role/verbs_conf.h"
#include "agg/role/verbs_job.h"

#include <errno.h>

int verbs_job(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	buf_printf(out, "this is of a build with a page\n");
	return -ENOSYS;
}

void verbs_job_finish(struct verbs *v)
{
}

int verbs_sections(void *ctx, int argc, const char *const *argv,
                   struct buf *out)
{
	return verbs_job(ctx, argc, argv, out);
}

int verbs_set(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	return verbs_job(ctx, argc, argv, out);
}

int verbs_unset(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	return verbs_job(ctx, argc, argv, out);
}
