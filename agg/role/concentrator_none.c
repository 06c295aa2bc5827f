/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the role of a build for routers (-Dprofile=router), which are gateways: no
 * configuration of it is taken (check_sites_none.c), and so it never begins.
 */
#include "agg/role/role.h"

#include <errno.h>

static struct role *none_create(struct loop *loop, const struct conf *conf,
                                struct netmon *netmon)
{
	errno = ENOTSUP;
	return NULL;
}

const struct role_ops role_concentrator = {
	.name = "concentrator",
	.create = none_create,
};
