/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see selftest.h: a router's build, which is to be small, has none.
 */
#include "agg/selftest/selftest.h"

#include <errno.h>

int selftest_tell(bool json, const char *version, struct buf *out)
{
	return -ENOSYS;
}
