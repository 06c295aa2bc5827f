/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the verbs of pairing in a build that is a gateway always, see
 * concentrator_none.c.
 */
#include "agg/role/verbs_pair.h"

#include <errno.h>

static int refuse(const char *verb, struct buf *out)
{
	buf_printf(out, "%s is for the concentrator; this is a gateway\n", verb);
	return -EINVAL;
}

int verbs_invite(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	return refuse(argv[0], out);
}

int verbs_revoke(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	return refuse(argv[0], out);
}

int verbs_rename(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	return refuse(argv[0], out);
}

int verbs_qr(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	return refuse(argv[0], out);
}
