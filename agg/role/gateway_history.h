/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the gateway's history (history.h): what its uplinks' devices count, how their
 * paths are, and what the hosts of the LAN had of the streams and the packet tunnel.
 *
 * An uplink's bytes are its device's, both ways, whoever's they are: that is what its
 * provider counts. A host is known by its card's address where the kernel knows that.
 */
#ifndef AGG_ROLE_GATEWAY_HISTORY_H
#define AGG_ROLE_GATEWAY_HISTORY_H

#include "agg/conf/conf.h"
#include "agg/history/history.h"
#include "agg/history/writer.h"
#include "agg/report/report.h"
#include "agg/role/usage.h"

struct gateway;

/* What an uplink's device and its subflows had counted. */
struct gateway_counted {
	int ifindex;           /* 0: nothing was counted yet */
	uint64_t rx_bytes, tx_bytes;
	uint64_t sent_bytes, again_bytes; /* of living subflows */
};

struct gateway_history {
	struct history history;
	struct writer writer;  /* of its file */
	struct usage usage;
	struct gateway_counted counted[CONF_UPLINKS_MAX]; /* by path */
	unsigned asks;         /* whose card it is, in this second */
};

/* Loads what was. */
void gateway_history_init(struct gateway *g);
void gateway_history_finish(struct gateway *g);
void gateway_history_write(struct gateway *g); /* what there is, now */
/* Once a second. */
void gateway_history_measure(struct gateway *g);
/* Of an uplink with a cap, its month. */
void gateway_history_report(struct gateway *g, unsigned path, struct report_uplink *out);
/* The LAN's devices, as many as a history has. */
void gateway_history_report_devices(const struct gateway *g, struct report *out);
/* What the uplink at that path costs, by its cap. */
void gateway_history_see_cap(struct gateway *g, unsigned path);
/* The uplink at that path is another one. */
void gateway_history_forget(struct gateway *g, unsigned path);

#endif
