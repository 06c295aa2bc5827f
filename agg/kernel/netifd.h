/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which device an interface of OpenWrt's netifd has now: "wan" is eth1 or, once
 * its session is up, pppoe-wan. It is asked through ubus(1), as the scripts of that
 * system do, in a child process; whoever has a question asks whenever the kernel tells
 * of a change, and netifd, which may come a moment later than the kernel, is asked again
 * from time to time.
 */
#ifndef AGG_KERNEL_NETIFD_H
#define AGG_KERNEL_NETIFD_H

#include "agg/base/loop.h"

#include <net/if.h>
#include <stddef.h>

#define NETIFD_NAME_MAX 31            /* bytes of an interface's name */
#define NETIFD_INTERFACES_MAX 64      /* the others are passed over */
#define NETIFD_ANSWER_MAX (256u * 1024)
#define NETIFD_TIMEOUT_US 5000000u    /* of a question; then its child is killed */
#define NETIFD_SOON_US 500000u        /* from netifd_ask() to the question */
#define NETIFD_AGAIN_US 10000000u     /* from one to the next, without it */

struct netifd_interface {
	char name[NETIFD_NAME_MAX + 1];
	char device[IFNAMSIZ];        /* "": it is down */
};

/* Of what `ubus call network.interface dump` says: how many interfaces, or -EINVAL.
 * Pure. */
int netifd_read(const char *json, size_t n,
                struct netifd_interface out[NETIFD_INTERFACES_MAX]);

/* An answer; borrowed for the call. count < 0: there is none, -ENOENT where there is
 * no ubus, -ETIMEDOUT, -EINVAL, -EIO. */
typedef void netifd_fn(void *ctx, const struct netifd_interface *interfaces, int count);

struct netifd;
/* Asks by itself from then on. NULL: errno. */
struct netifd *netifd_create(struct loop *loop, netifd_fn *on_answer, void *ctx);
void netifd_destroy(struct netifd *n); /* NULL is fine; not from on_answer */
/* Something may have changed. NULL is fine. */
void netifd_ask(struct netifd *n);

#endif
