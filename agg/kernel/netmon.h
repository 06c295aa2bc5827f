/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: watches the host's devices, addresses and default routes by rtnetlink,
 * and tells what changed, and when our own rules and routes may have gone.
 *
 * What the kernel sends unasked is taken as a hint only: it says nothing of
 * the IPv4 routes that go with a device or an address, and too much at once is
 * lost (ENOBUFS). After a hint the state is asked for anew and compared: so
 * every way of missing something ends in the truth, and a burst of events in
 * one turn of the loop is one question and at most one callback per device. The
 * answer is read in parts, a few in each turn.
 */
#ifndef AGG_KERNEL_NETMON_H
#define AGG_KERNEL_NETMON_H

#include "agg/base/loop.h"
#include "agg/kernel/netdev.h"

#include <stddef.h>

/* Asked at once after a quiet time, then no more often than this. */
#define NETMON_ASK_INTERVAL_US 20000
#define NETMON_FAIL_INTERVAL_US 1000000 /* and where asking fails */
#define NETMON_RECEIVE_BUFFER_BYTES (1 << 20)

struct netmon;

/* dev is what there is now; dev->present is false when it has gone (or has
 * got another name: then the new name follows). Not called for what is there
 * at creation: iterate. May call everything here but netmon_destroy; dev is
 * valid until it returns. */
typedef void netmon_fn(void *ctx, const struct netdev *dev);

/* Our rules or routes may no longer be as we set them, or another's rule may
 * come before: look. Said after what netmon_fn says of the same events: the
 * kernel removes routes with an address or a device without a word. */
typedef void netmon_doubt_fn(void *ctx);

struct netmon_stats {
	uint64_t hints;       /* messages that may have changed something */
	uint64_t dumps;       /* times the state was asked for */
	uint64_t turns;       /* of the loop, in which answers were read */
	uint64_t interrupted; /* answers that changed meanwhile: asked again */
	uint64_t overruns;    /* times the kernel could not queue a message */
	uint64_t malformed;   /* messages that were not understood */
	uint64_t overflows;   /* states that did not fit our limits */
};

/* A monitor whose first state is read when it returns; NULL: errno.
 * receive_buffer_bytes 0: the default. */
struct netmon *netmon_create(struct loop *loop, size_t receive_buffer_bytes,
                             netmon_fn *on_change, void *ctx);
void netmon_destroy(struct netmon *mon);
/* fn NULL: nobody is told. */
void netmon_watch_policy(struct netmon *mon, netmon_doubt_fn *fn, void *ctx);

/* Valid until the next turn of the loop. NULL: no such device. */
const struct netdev *netmon_find(const struct netmon *mon, const char *name);
/* The i-th of the devices, in the order of ifindex; NULL behind the last. */
const struct netdev *netmon_at(const struct netmon *mon, unsigned i);

/* True for every address that the host itself answers to, of any device and
 * in any state, loopback included. Port and scope are not looked at. From any
 * thread. */
bool netmon_is_local(struct netmon *mon, const struct addr *a);

struct netmon_stats netmon_stats(const struct netmon *mon);

#endif
