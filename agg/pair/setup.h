/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a fresh concentrator: identity, configuration, the directory of its sites,
 * and what a firewall has to let through. What is there already stays. And a fresh
 * gateway's page, by which it is joined.
 */
#ifndef AGG_PAIR_SETUP_H
#define AGG_PAIR_SETUP_H

#include "agg/base/buf.h"
#include "agg/conf/conf.h"

struct setup_args {
	const char *config;
	const char *state;   /* of a new file, as these; NULL: /var/lib/aggd */
	const char *control; /* NULL: the usual one */
	const char *sites;   /* NULL: the usual directory */
	const char *listen;  /* NULL: [::]:443 */
	bool runs;           /* a daemon holds the port, so it is not looked at */
};

/* Says line by line what it does. 0, and main is what the configuration says;
 * -errno: out ends with what is wrong. */
int setup_make(const struct setup_args *args, struct conf_main *main,
               struct buf *out);

/* A configuration of a gateway that has a page at the LAN's address and no
 * concentrator yet. It is for where there is none: the daemon may complete it.
 * lan: the device; NULL: the one that is found. 0; -errno, and out says why. */
int setup_page(const struct setup_args *args, const char *lan, struct buf *out);

#endif
