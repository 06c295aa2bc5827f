/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: names to addresses, in the loop. A name's IPv6 and IPv4 addresses are
 * asked for at the same time and told as they come (RFC 8305, section 3).
 * Names are taken as they are: no search list. /etc/hosts counts.
 */
#ifndef PROXY_RESOLVE_H
#define PROXY_RESOLVE_H

#include "agg/base/addr.h"
#include "agg/base/loop.h"
#include "proxy/share.h"

#define RESOLVE_ADDRESSES_MAX 8 /* of one family of one name */
#define RESOLVE_QUERIES_MAX 1024
/* A server has a second, in the next round two, in the last four. */
#define RESOLVE_TIMEOUT_MS 1000
#define RESOLVE_TRIES 3
#define RESOLVE_UNANSWERED_MAX 4
#define RESOLVE_LOOK_US 1000000u /* at most so often: has resolv.conf changed? */

struct resolver_args {
	struct loop *loop;
	const char *servers; /* "192.0.2.1,[2001:db8::1]:5353"; NULL: the
	                      * system's, of resolv.conf. Copied. */
	const char *conf;    /* NULL: /etc/resolv.conf. Copied. */
	uint16_t port;       /* where conf's servers are asked; 0: 53 */
	int timeout_ms;      /* 0: RESOLVE_TIMEOUT_MS */
	int tries;           /* 0: RESOLVE_TRIES */
	/* Questions leave by it only, but those to a server on this host: by
	 * what way that one asks is its own matter. NULL: by any. Copied. */
	const char *device;
};

struct resolver;
struct resolver *resolver_create(const struct resolver_args *args);
/* Queries are dropped without an answer. Not from inside an answer. */
void resolver_destroy(struct resolver *r);
/* Reads resolv.conf again; queries that are on their way keep the servers
 * they asked. 0 or -errno, then all stays as it was. It happens by itself when
 * a name is asked for and the file is another than before, was not there, or
 * is another by a link. */
int resolver_reload(struct resolver *r);
/* What is missing, in words: the file that should name servers, or a server that
 * answers, after RESOLVE_UNANSWERED_MAX families of names in a row. NULL: all is
 * well, as far as is known. */
const char *resolver_lacks(const struct resolver *r);

/* One family's answer: n addresses with port 0, or n = 0 and
 *   -ENOENT     there is no such name, or it has no address of that family
 *   -ETIMEDOUT  no server answered
 *   -EIO        no server could or would say */
typedef void resolve_fn(void *ctx, sa_family_t family, const struct addr *addrs,
                        unsigned n, int err);

/* Asks. on_answer is called twice, once for each family, never from inside
 * resolve_start; the second call ends the query. NULL: errno, ENOBUFS where
 * RESOLVE_QUERIES_MAX are on their way, or as many as the share allows. The first
 * one reads resolv.conf. */
struct resolve;
struct resolve *resolve_start(struct resolver *r, struct share *share,
                              const char *name, resolve_fn *on_answer,
                              void *ctx);
/* No more answers. Before the query's end only; NULL is fine. */
void resolve_cancel(struct resolve *q);

#endif
