/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see inherit.h. A build for routers is begun with nothing.
 */
#include "agg/kernel/inherit.h"

#include <errno.h>

int inherit_take(const struct addr *at, int protocol, bool transparent)
{
	return -ENOENT;
}

void inherit_close(void)
{
}
