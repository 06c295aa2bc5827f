/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the gateway's speed test, as a person asks for it (speedtest.h).
 */
#include "agg/role/gateway_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void gateway_on_speedtest(void *ctx)
{
	struct gateway *g = ctx;

	gateway_choose_carrier(g);
}

/* Those that have a subflow of ours, which alone can be measured by itself. */
static unsigned add_uplinks(struct gateway *g, const char *name)
{
	unsigned n = 0;

	speedtest_clear(&g->speedtest);
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++) {
		struct uplink *u = g->uplinks[i];
		if (!u || !uplink_joined(u) ||
		    (name && strcmp(name, uplink_name(u))))
			continue;
		speedtest_add(&g->speedtest, i, uplink_name(u));
		n++;
	}
	return n;
}

static int start(struct gateway *g, const char *name, struct buf *out)
{
	if (speedtest_runs(&g->speedtest)) {
		buf_printf(out, "a speed test is under way already\n");
		return -EBUSY;
	}
	if (!add_uplinks(g, name)) {
		buf_printf(out, "there is no uplink%s%s%s that is up; 'aggctl "
		           "uplinks' lists them\n", name ? " '" : "",
		           name ? name : "", name ? "'" : "");
		return -ENOENT;
	}
	speedtest_begin(&g->speedtest);
	return 0;
}

int gateway_speedtest(struct role *role, int argc, const char *const *argv,
                      struct buf *out)
{
	struct gateway *g = (struct gateway *)role;
	bool wide = argc == 4 && !strcmp(argv[2], "--width");
	bool json = argc == 3 && !strcmp(argv[2], "--json");

	if (argc >= 2 && argc <= 3 && !strcmp(argv[1], "start"))
		return start(g, argc == 3 ? argv[2] : NULL, out);
	if (argc >= 2 && !strcmp(argv[1], "show") && (argc == 2 || wide || json))
		return speedtest_tell(&g->speedtest, json,
		                      wide ? (unsigned)atoi(argv[3]) : 0, out);
	buf_printf(out, "speedtest: allowed: start [UPLINK], show [--json|--width N]\n");
	return -EINVAL;
}
