/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the state of the host's network, collected from one set of dumps, and
 * the view of it by device. Pure: no sockets. A table is filled once and then
 * only read; the next state is the next table.
 */
#ifndef AGG_KERNEL_NETTABLE_H
#define AGG_KERNEL_NETTABLE_H

#include "agg/kernel/netdev.h"
#include "agg/kernel/netmsg.h"

#define NETTABLE_DEVICES_MAX 1024
#define NETTABLE_ADDRS_MAX 4096
#define NETTABLE_LOCALS_MAX 8192
#define NETTABLE_ROUTED_MAX 1024 /* networks that are routed; more are not seen */
#define NETTABLE_HOPS_MAX 1024 /* nexthops of default routes, all tables */

struct nettable;

struct nettable *nettable_create(void); /* NULL: errno */
void nettable_destroy(struct nettable *t);

/* Takes what a dump said; kinds OTHER and POLICY, and removed ones, are passed
 * over. 0, -ENOBUFS: past a limit, left out; -ENOMEM. */
int nettable_add(struct nettable *t, const struct netmsg *msg);

/* Makes the devices out of what was added. Call once, at the end. 0 or
 * -ENOMEM. */
int nettable_finish(struct nettable *t);

/* Does this message, sent unasked, say nothing that the table does not know?
 * Of a route this is never certain: false. */
bool nettable_knows(const struct nettable *t, const struct netmsg *msg);

/* After finish. In the order of ifindex. */
const struct netdev *nettable_at(const struct nettable *t, unsigned i);
const struct netdev *nettable_find(const struct nettable *t, const char *name);
const struct netdev *nettable_by_index(const struct nettable *t, int ifindex);
bool nettable_is_local(const struct nettable *t, const struct addr *a);


#endif
