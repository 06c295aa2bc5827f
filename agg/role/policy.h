/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how a session shall send: what a person (aggctl scheduler), the
 * configuration and the gateway's wish say, put together. Pure.
 *
 * Several may say something of the same thing; the first of these decides:
 *
 *     on the gateway         on the concentrator, for each site
 *     the person             the person
 *     its class sections     its class sections
 *     its main section       the site's section
 *                            the gateway's wish
 *                            its main section
 *
 * What holds on the gateway is also what it wishes for the other direction, but for
 * scheduler_up of its main section.
 */
#ifndef AGG_ROLE_POLICY_H
#define AGG_ROLE_POLICY_H

#include "agg/conf/conf.h"
#include "agg/transport/session.h"

#define POLICY_ORDER_AUTO "auto" /* the order that the scheduler is made for */

/* What one of them says, by names. NULL, "", or 0: nothing, as does a name
 * that is not known here. Strings are borrowed. */
struct policy_names {
	const char *scheduler;  /* of streams whose class has no other */
	const char *scheduler_up; /* of what a gateway sends; else the same */
	const char *by_class[STREAM_CLASS_COUNT];
	const char *up_by_class[STREAM_CLASS_COUNT];
	const char *order;      /* or POLICY_ORDER_AUTO */
	const char *reinjection;
	uint64_t bulk_after_bytes;
};

/* What holds: by_class, up_by_class, order and reinjection are there, and last as
 * long as the program; scheduler and scheduler_up are not. person says nothing where
 * it is all NULL. */
void policy_of_gateway(const struct conf *conf,
                       const struct policy_names *person,
                       struct policy_names *out);
void policy_of_site(const struct conf *conf, const struct conf_site *site,
                    const struct wire_wish *wish,
                    const struct policy_names *person,
                    struct policy_names *out);
/* A reload: of what held by the configuration without the person, and does
 * now, what is another takes back what the person said of it. */
void policy_forget(struct policy_names *person,
                   const struct policy_names *before,
                   const struct policy_names *after);
/* What holds, for the session. auto is the order of the bulk streams'. */
void policy_resolve(const struct policy_names *holds,
                    struct session_policy *out);

/* What the gateway does, and asks its peer for. */
void policy_wish(const struct policy_names *holds, struct wire_wish *out);
/* What the concentrator tells that it does. */
void policy_told(const struct session_policy *policy, struct wire_wish *out);
/* A wish as policy_told would say it: auto becomes the order that it means. */
void policy_spell_out(struct wire_wish *wish);
/* Appends what of a wish is not known here, and is passed over: "scheduler 'x'
 * (known: ecf, ...)"; nothing: all is known. */
void policy_unknown(const struct wire_wish *wish, struct buf *out);

#define POLICY_KNOWN_MAX 32

/* The names that exist here, each list ended by NULL. */
struct policy_known {
	const char *schedulers[POLICY_KNOWN_MAX + 1];
	const char *orders[POLICY_KNOWN_MAX + 1]; /* with POLICY_ORDER_AUTO */
	const char *reinjections[POLICY_KNOWN_MAX + 1];
};
void policy_known(struct policy_known *out);

/* The class that the configuration fixes for a stream by its client's DSCP (-1: not
 * known), by the port of its destination, or else by its client (NULL: not known) and
 * the address of that one's card (NULL: likewise); an enum stream_class, or -1: none. */
int policy_class(const struct conf *conf, uint16_t port, int dscp,
                 const struct addr *host, const uint8_t *mac);
/* Does a card's address decide it for some? */
bool policy_hangs_on_mac(const struct conf *conf);

#endif
