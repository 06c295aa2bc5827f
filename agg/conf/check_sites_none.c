/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: check_sites.c in a build for routers (-Dprofile=router), which are gateways.
 */
#include "agg/conf/check_impl.h"

int check_sites(const struct check *c)
{
	return FAIL(c, c->conf->main.line, "role 'concentrator': this aggd was built for "
	            "gateways only (-Dprofile=router)");
}
