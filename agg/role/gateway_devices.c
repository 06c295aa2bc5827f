/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the LAN's devices of the history, for metrics.
 */
#include "agg/role/gateway_history.h"
#include "agg/role/gateway_impl.h"

#include <stdio.h>

void gateway_history_report_devices(const struct gateway *g, struct report *out)
{
	const struct history_subject *s;
	struct report_device *d;

	for (s = g->trace.history.subjects; s; s = s->next) {
		if (s->kind == HISTORY_UPLINK || !(d = report_add_device(out)))
			continue;
		snprintf(d->name, sizeof(d->name), "%s", s->name);
		snprintf(d->address, sizeof(d->address), "%s", s->address);
		d->down_bytes = s->down_bytes;
		d->up_bytes = s->up_bytes;
	}
}
