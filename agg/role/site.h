/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a site is a gateway as the concentrator knows it: its configuration,
 * the session, and the members, which are the subflows that it came with.
 *
 * A site has one session: a HELLO with another session id is a gateway that
 * began anew, and ends the one before, but where that said that it leaves (left.h),
 * or where it turns out that there are two gateways (rivals.h). Of a path and bundle
 * the latest subflow counts. A session without subflows is kept for linger.
 *
 * Lifetime: a site is from the configuration until it is there no more; struct
 * sites is the owner of all. A member is from sites_adopt(), to which the door
 * hands its subflow (door.h), until that ends.
 */
#ifndef AGG_ROLE_SITE_H
#define AGG_ROLE_SITE_H

#include "agg/base/budget.h"
#include "agg/base/loop.h"
#include "agg/conf/conf.h"
#include "agg/report/report.h"
#include "agg/role/home.h"
#include "agg/role/left.h"
#include "agg/role/mptcp/mptcp_host.h"
#include "agg/role/quota.h"
#include "agg/role/rivals.h"
#include "agg/role/testbytes.h"
#include "agg/role/tunnel_home.h"
#include "agg/transport/subflow.h"
#include "proxy/outlet.h"

#include <uthash.h>

#define SITES_REFUSED_MAX 64 /* subflows that still have to hear why */

/* A subflow that was adopted. */
struct member {
	struct sites *sites;    /* borrowed */
	struct site *site;      /* borrowed; NULL: it is refused */
	struct subflow *sf;
	uint8_t path, bundle;
	char uplink[REPORT_NAME_MAX + 1]; /* of the gateway's */
	struct member *prev, *next; /* site.members, or sites.refused */
};

struct site {
	struct sites *sites;    /* borrowed */
	struct conf_site conf;
	struct home home;        /* no session: not connected */
	struct lefts lefts;      /* those before it that leave */
	struct testbytes test;   /* of its speed tests */
	struct rivals rivals;    /* whose session it is */
	uint64_t alone_us;       /* since when it has no member; 0: it has */
	char rival[ADDR_TEXT_MAX]; /* from where another was refused */
	uint64_t incarnation;
	struct share *share;    /* of the way out */
	struct quota quota;
	bool used_up;           /* it is, and that was said */
	struct member *members;
	uint64_t since_us;      /* connected, or gone; 0: never was */
	struct wire_wish wish;  /* how the gateway sends, and asks us to */
	struct site_tunnel *tunnel; /* site_tunnel.h; NULL: none */
	uint32_t tunnel_epoch;  /* of the last key that it was given */
	bool tunnel_refused;    /* the gateway was told that there is none */
	struct site *prev, *next; /* sites.all */
	UT_hash_handle hh;      /* sites.by_pin */
};

struct history;

/* All sites, and what they share. */
struct sites {
	struct loop *loop;           /* borrowed, as these */
	const struct conf *conf;
	struct outlet *outlet;
	struct share_pool *pool;     /* the way out, and each site's part of it */
	const struct mptcp_host *mptcp_host;
	struct budget *memory;       /* of these sites */
	struct dgram *dgram;         /* of packet tunnels; NULL: there are none */
	struct tunnel_kit *kit;
	const struct egress *egress; /* where their packets may go */
	unsigned worker, workers;    /* whose they are, of so many; 0 of 0: all */
	const struct history *used;  /* what sites had used when it began; or NULL */
	uint32_t flags;              /* wire_settings.flags, as gateways are told */
	uint32_t process;            /* its number, in WELCOMEs */
	uint64_t leaves_us;          /* since when WIRE_LEAVES is among them; 0: it is not */
	/* What sites_report() tells of a state is another; NULL: nobody asks. */
	void (*on_change)(void *ctx);
	void *ctx;                   /* borrowed */
	struct site *all;            /* site.next */
	struct site *by_pin;         /* the same: site.hh */
	struct member *refused;      /* oldest first */
	unsigned refused_count;
};

/* What all sites go by, where it changes. */
struct site_common {
	bool policy, limits; /* they changed */
	size_t memory;       /* as site_memory() */
};

/* Not in sites' lists. NULL: no memory. */
struct site *site_create(struct sites *sites, const struct conf_site *conf);
/* Its session ends, and its gateway is told; it is in no list. */
/* Its sessions are over, for good, as home_part: that is on its way while it has subflows. */
void site_part(struct site *site, const char *why);
bool site_has_subflows(const struct site *site);
/* Likewise, at once. */
void site_destroy(struct site *site, const char *why);
/* Is it that one? Another pin is another gateway, whatever its name. */
bool site_is(const struct site *site, const struct conf_site *conf);
/* It reads so now, or what all go by does; sites->conf is the new one. */
void site_change(struct site *site, const struct conf_site *is,
                 const struct conf *old, const struct site_common *common);
/* Which of so many workers has the site of that pin. */
static inline unsigned site_worker(const uint8_t sha256[CONF_PIN_LEN],
                                   unsigned workers)
{
	return workers > 1 ? (sha256[0] << 8 | sha256[1]) % workers : 0;
}
/* A site's share of the machine's memory, so that nobody's is used up by others.
 * In steps: another site does not change that of all. */
size_t site_memory(const struct sites *sites, const struct conf *conf);
/* As sites_adopt(); site NULL: it is nobody's. */
void site_adopt(struct sites *sites, struct site *site, struct subflow *sf,
                const struct wire_hello *hello);

/* Its session leaves: there is room for another. */
void site_leave(struct site *site);
/* Once a second: which sessions have come to their end by leaving. */
void site_step_left(struct site *site);
/* Of all its sessions; while all leave, and a gateway has not ended its own, that is
 * one. */
unsigned site_streams(const struct site *site);
/* Once a second: what it used, and how fast it may be therefore. now_s: UTC. */
void site_measure_quota(struct site *site, uint64_t now_s);
/* What is wrong with it, in words for a person; "". */
void site_note(const struct site *site, char out[REPORT_WORDS_MAX + 1]);
/* site_report.c */
void site_report(struct site *site, struct report *out);

#endif
