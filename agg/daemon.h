/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the ownership tree's root. daemon > role > session > lanes, streams.
 */
#ifndef AGG_DAEMON_H
#define AGG_DAEMON_H

#include "agg/interfaces.h"
#include "agg/kernel/runlock.h"
#include "agg/notify.h"
#include "agg/page.h"
#include "agg/role/verbs.h"
#include "agg/transport/tls.h"

#include <limits.h>

struct daemon {
	const char *config_path;
	struct conf *conf;
	struct loop *loop;
	struct netmon *netmon;
	struct interfaces interfaces;
	struct role *role;
	struct pairing pairing;
	struct verbs verbs;
	struct ctl *ctl;
	struct page page;
	struct notify notify;
	struct handover *handover; /* of an update that is under way; NULL: none */
	struct loop_timer *update;
	uint64_t update_until_us;
	char program[PATH_MAX];  /* its place, where there may be another one by then */
	int heir_of;             /* the end towards who is there before us; -1: nobody */
	struct line *before, *after; /* to the processes that were, and are; NULL: none */
	uint8_t told;            /* by him */
	bool rests, is_gone;     /* see role_update */
	bool ending;             /* by a signal */
	struct runlock control_lock, netns_lock;
	struct loop_signal *sigterm, *sigint, *sighup;
	struct loop_timer *drain;
	char own_pin[TLS_PIN_TEXT_LEN + 1];
	uint64_t drain_until_us; /* 0: not draining */
};

/* The locks of what no two processes may have. 0, or -1 with a log line. */
int daemon_lock(struct daemon *d);
/* What people ask it by: control socket and page. 0, or -1 with a log line. */
int daemon_open(struct daemon *d);
void daemon_close(struct daemon *d);
/* Ends with its last stream, or then. */
void daemon_drain(struct daemon *d, uint64_t most_us);

#endif
