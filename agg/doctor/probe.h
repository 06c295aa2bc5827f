/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: does anybody answer there, by this device? Only where the daemon does not
 * run: to the concentrator it looks like one who connects and says nothing.
 */
#ifndef AGG_DOCTOR_PROBE_H
#define AGG_DOCTOR_PROBE_H

#include "agg/base/addr.h"

#define PROBE_WAIT_MS 3000 /* for all of them */
#define PROBES_MAX 64

struct probe {
	const char *device;   /* borrowed */
	struct addr source, to;
	int err;              /* 0: it answers; -errno; -ETIMEDOUT */
	int fd;               /* the probe's own */
};

/* All at once; blocks. */
void probe_all(struct probe *probes, unsigned count);

#endif
