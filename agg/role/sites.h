/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: all the sites of a worker (site.h): which there are, by the configuration,
 * and what is done to all of them, or to the one that is meant.
 */
#ifndef AGG_ROLE_SITES_H
#define AGG_ROLE_SITES_H

#include "agg/role/site.h"

/* Another configuration, in two steps. First makes the sites that are new in it
 * and changes nothing: 0, or -ENOMEM. Then sites_forget, or sites_apply, which
 * takes them, changes and removes others; old is the configuration before. */
int sites_prepare(struct sites *sites, const struct conf *conf,
                  struct site **fresh);
void sites_forget(struct site *fresh);
void sites_apply(struct sites *sites, const struct conf *conf,
                 const struct conf *old, struct site *fresh);
/* All gateways are told that their sessions are over, and why; true: they have heard. */
bool sites_part(struct sites *sites, const char *why);
void sites_finish(struct sites *sites, const char *why);
/* Tells all gateways. */
void sites_set_flags(struct sites *sites, uint32_t flags);
/* The sessions of gateways that open another leave, whose WIRE_LEAVES is taken back. */
void sites_leave(struct sites *sites);
/* A subflow with that pin and HELLO, in its on_ready, is the sites' from now on:
 * it joins its site's session, or is told why it may not. */
void sites_adopt(struct sites *sites, struct subflow *sf,
                 const struct tls_pin *pin, const struct wire_hello *hello);
unsigned sites_streams(const struct sites *sites);
/* Once every SNAPSHOT_RATE_US. */
void sites_measure(struct sites *sites);
/* Of each site that has a quota, what it used; which may be changed. */
void sites_quotas(const struct sites *sites,
                  void (*on_site)(void *ctx, const char *name, struct quota *q),
                  void *ctx);
void sites_report(struct sites *sites, struct report *out);
/* As role_ops.choose, of that site. */
int sites_choose(struct sites *sites, const struct conf_site *conf,
                 const struct choice *choice, struct buf *out);

#endif
