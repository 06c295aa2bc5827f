/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which way a connection of the LAN takes: by the sections bypass of the
 * configuration, and by what the uplinks are now. Pure: facts and a time in,
 * decisions out. Everybody who leads traffic asks here: the packets' marks are
 * written from bypass_plan(), the ways in ask bypass_find() with the name that
 * a client says.
 *
 * What goes by an uplink, or by the kernel's own route, is led by another one
 * while its own does not work, and again by its own when that has worked for a
 * while; see bypass_step().
 */
#ifndef AGG_ROLE_BYPASS_H
#define AGG_ROLE_BYPASS_H

#include "agg/conf/conf.h"
#include "agg/kernel/waymark.h"
#include "agg/transport/stream.h"

#define BYPASS_FAIL_US 2000000u /* without a word from the uplink */
#define BYPASS_BACK_US 5000000u /* of which it has to work, to lead again */
#define BYPASS_NOBODY UINT8_MAX

/* A connection as it begins. */
struct bypass_flow {
	uint8_t protocol;         /* IPPROTO_... */
	const struct addr *host;  /* of the LAN */
	const uint8_t *mac;       /* its card's; NULL: not known */
	const struct dest *dest;  /* its address may not be known, for its name */
	const char *name;         /* that the client says; "": it says none */
};

/* The section that holds for it; NULL: none. */
const struct conf_bypass *bypass_find(const struct conf *conf,
                                      const struct bypass_flow *flow);
/* Does the answer hang on the name? flow->name is not looked at. */
bool bypass_hangs_on_name(const struct conf *conf,
                          const struct bypass_flow *flow);
/* Does any answer hang on a host's card? */
bool bypass_hangs_on_mac(const struct conf *conf);

/* An uplink as it is now. */
struct bypass_path {
	char name[CONF_NAME_MAX + 1]; /* "": there is none of that number */
	enum conf_cost cost;
	bool ready[2];     /* its device: for IPv4, IPv6 */
	int64_t health_us; /* its round-trip time; 0: not known; < 0: failed */
};

struct bypass_facts {
	struct bypass_path paths[CONF_UPLINKS_MAX];
	/* The uplink of the kernel's own default route, or BYPASS_NOBODY. */
	uint8_t direct[2];
};

/* Where what goes a way is led now: by this uplink; BYPASS_NOBODY: by the
 * kernel's own route. [0] IPv4, [1] IPv6. */
struct bypass {
	struct bypass_facts facts;   /* the last */
	uint64_t failed_us[CONF_UPLINKS_MAX]; /* silent since; 0: it is not */
	uint64_t out_us[2][CONF_UPLINKS_MAX]; /* did not work last; 0: never */
	bool works[2][CONF_UPLINKS_MAX];
	uint8_t led[2][CONF_UPLINKS_MAX];
	uint8_t direct[2];
	bool lost[CONF_UPLINKS_MAX]; /* in the last step: it stopped working */
};

void bypass_init(struct bypass *b);
/* now_us is not 0. True: something is led by another one than before, or lost
 * is set for one. */
bool bypass_step(struct bypass *b, const struct bypass_facts *facts,
                 uint64_t now_us);

/* The uplink by which the section's traffic is led now; BYPASS_NOBODY: by the
 * kernel's own route. */
uint8_t bypass_leads(const struct bypass *b, const struct conf_bypass *section,
                     sa_family_t family);
/* How packets are to be marked; rules has room for all sections. Both live as
 * long as conf. */
void bypass_plan(const struct bypass *b, const struct conf *conf,
                 struct waymark_rule rules[CONF_BYPASSES_MAX],
                 struct waymark_plan *out);

#endif
