/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the service manager is told of this process, by the protocol of
 * sd_notify(3): that it is ready, that it lives, that it ends. Where nobody asked
 * for it ($NOTIFY_SOCKET), nothing is told.
 */
#ifndef AGG_NOTIFY_H
#define AGG_NOTIFY_H

#include "agg/base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

struct notify {
	struct loop *loop;         /* borrowed */
	struct loop_timer *timer;  /* NULL: nobody watches */
	struct sockaddr_un to;
	socklen_t to_len;          /* 0: nobody listens */
	uint64_t every_us;         /* that it lives is said so often */
};

/* The address that $NOTIFY_SOCKET names: a path, or @ and a name in the abstract
 * namespace. Its length; 0: it is none. Pure. */
socklen_t notify_address(const char *text, struct sockaddr_un *to);
/* How often to say that we live, by $WATCHDOG_USEC and $WATCHDOG_PID (NULL: of
 * whoever has the other): twice in the time that is allowed. 0: never. Pure. */
uint64_t notify_every_us(const char *watchdog_us, const char *watchdog_pid,
                         long own_pid);

/* It does its work from now on, and the loop says that it turns; where it takes over,
 * that alone, as the other says who is the one now. What cannot be told is logged. */
void notify_ready(struct notify *n, struct loop *loop, bool takes_over);
/* That process is the service's from now on: only this one is believed that. */
void notify_successor(const struct notify *n, pid_t next);
void notify_ending(const struct notify *n);
void notify_finish(struct notify *n); /* all 0 is fine */

#endif
