/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is right in a configuration and yet will not do what its writer
 * wants, on this host as it is now: an example's pin, a device that is not
 * there. Nothing of it keeps the daemon from running, for all of it may come
 * later. Pure.
 */
#ifndef AGG_ROLE_WARNINGS_H
#define AGG_ROLE_WARNINGS_H

#include "agg/conf/conf.h"
#include "agg/kernel/host.h"
#include "agg/transport/tls.h"

struct warnings_facts {
	const struct host *host;
	int identity_err;     /* of tls_identity_pin() in 'option state' */
	struct tls_pin own;   /* where that is 0 */
};

/* Calls on_warning for each, a line "FILE:LINE: what, and what to do"; how
 * many there were. */
unsigned warnings_find(const struct conf *conf, const char *file,
                       const struct warnings_facts *facts,
                       void (*on_warning)(void *ctx, const char *text),
                       void *ctx);

#endif
