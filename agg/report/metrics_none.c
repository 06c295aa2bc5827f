/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: metrics.c in the build for routers: no sample, and a comment that says why.
 */
#include "agg/report/report.h"

static void on_tail(struct render *r)
{
	r->failed |= buf_printf(r->out, "# this aggd was built without metrics "
	                        "(-Dprofile=router)\n# EOF\n") < 0;
}

const struct render_ops render_metrics = {
	.name = "metrics",
	.tail = on_tail,
};
