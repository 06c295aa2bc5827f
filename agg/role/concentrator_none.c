/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the role of a build for routers (-Dprofile=router), which are gateways: it
 * says so, and never begins.
 */
#include "agg/base/log.h"
#include "agg/role/role.h"

#include <errno.h>

static struct role *none_create(struct loop *loop, const struct conf *conf,
                                struct netmon *netmon)
{
	log_user("role 'concentrator': this aggd was built for gateways only "
	         "(-Dprofile=router)");
	errno = ENOTSUP;
	return NULL;
}

const struct role_ops role_concentrator = {
	.name = "concentrator",
	.create = none_create,
};
