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

#define DRAIN_US 10000000u /* SIGTERM waits so long for streams to end */

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
	struct runlock control_lock, netns_lock;
	struct loop_signal *sigterm, *sigint, *sighup;
	struct loop_timer *drain;
	char own_pin[TLS_PIN_TEXT_LEN + 1];
	uint64_t drain_until_us; /* 0: not draining */
};

#endif
