/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a gateway that has not joined, in a build without a page: it does not begin.
 */
#include "agg/base/log.h"
#include "agg/role/role.h"

static struct role *refuse(struct loop *loop, const struct conf *conf,
                           struct netmon *netmon)
{
	log_user("there is no concentrator: aggctl join TOKEN");
	return NULL;
}

const struct role_ops role_unpaired = { .name = "gateway", .create = refuse };
