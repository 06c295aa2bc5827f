/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: where the concentrator is, as each uplink sees it. An endpoint of the
 * configuration is an address, or a name; a name is asked for over every
 * uplink by itself, so that one whose way to the name servers is cut hurts no
 * other, and each gets the address that is near to it.
 *
 * An uplink that has no answer of its own takes those of the others: the
 * servers of resolv.conf may be one provider's, who answers nobody else. What
 * was once answered counts until there is another answer: a server that is
 * silent, fails, or knows the name no more takes nothing away. An answer is
 * only a candidate; whether it is the concentrator, the pin says.
 */
#ifndef AGG_ROLE_ENDPOINTS_H
#define AGG_ROLE_ENDPOINTS_H

#include "agg/base/loop.h"
#include "agg/conf/conf.h"
#include "agg/kernel/netdev.h"
#include "proxy/resolve.h"

#define ENDPOINTS_ASK_US 300000000u  /* between questions, while all is well */
#define ENDPOINTS_AGAIN_US 10000000u /* at least, after a failure */
/* Of one uplink: candidates past them are left out. */
#define ENDPOINTS_MAX 32
#define ENDPOINTS_ALL_MAX (2 * ENDPOINTS_MAX)
#define ENDPOINTS_WHY_MAX 127

/* A candidate. */
struct endpoint {
	struct addr addr;
	const char *host; /* its name; "": the configuration says the address.
	                   * Of the endpoints', until they have another
	                   * configuration. */
};

struct endpoints_args {
	struct loop *loop;       /* borrowed */
	const struct conf_concentrator *conf; /* copied */
	/* All 0 but in tests, as the times: then they are those above. */
	struct resolver_args dns;
	uint64_t ask_us, again_us;
	/* What uplinks can choose from is other than before, or why they cannot.
	 * Not from inside a call. */
	void (*on_change)(void *ctx);
	void *ctx;
};

struct endpoints;
struct endpoints *endpoints_create(const struct endpoints_args *args); /* NULL: errno */
void endpoints_destroy(struct endpoints *e); /* NULL is fine */
/* Another configuration; where its endpoints are the same, nothing changes. */
void endpoints_set_conf(struct endpoints *e, const struct conf_concentrator *conf);
/* The uplink's device is so now, NULL: it has none. Another address, or one
 * that comes back, asks at once. */
void endpoints_set_device(struct endpoints *e, unsigned uplink,
                          const struct netdev *dev);
/* Nobody could be reached over that uplink: its names are asked for again, if
 * that was not just done. */
void endpoints_failed(struct endpoints *e, unsigned uplink);

/* The candidates of an uplink, in the order of the configuration; how many. */
unsigned endpoints_of(const struct endpoints *e, unsigned uplink,
                      struct endpoint out[ENDPOINTS_MAX]);
/* Every address of the concentrator that is known now to any uplink, once. */
unsigned endpoints_all(const struct endpoints *e,
                       struct addr out[ENDPOINTS_ALL_MAX]);
/* Why there are no candidates, in words: "vps.example.net: no name server
 * answers". In buf, which is returned. */
const char *endpoints_why(const struct endpoints *e, unsigned uplink,
                          char buf[ENDPOINTS_WHY_MAX + 1]);

#endif
