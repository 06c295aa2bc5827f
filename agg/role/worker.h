/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a worker of the concentrator: a loop, and all that touches the sessions
 * on it: sites and their members, streams, relays, dials and names. Nobody
 * outside reaches into it; what there is to be said is these messages:
 *
 *     FACTS    what it goes by, whenever it is other than before
 *     ADOPT    a greeted subflow is the worker's
 *     LISTEN   these sockets of packet tunnels are, in place of all before
 *     CHOOSE   a person says how a site is sent to
 *     DRAIN    nothing new begins any more
 *     LEAVE    sessions leave, for an update; or are joined by others, as that failed
 *     REPORT   what there is to be seen
 *     QUOTAS   what sites have used of them
 *
 * What belongs to the host - listeners, handshakes, nft, routes, netlink, the
 * control socket - is not a worker's: it stays in the daemon's own thread.
 *
 * One worker alone has the daemon's loop, and a message is a call. Of several,
 * each has a thread; ADOPT is on its way until the worker's next turn, and who
 * sends another waits for that turn, so that what is borrowed by it is valid
 * until the next FACTS. All functions are the daemon's thread's.
 */
#ifndef AGG_ROLE_WORKER_H
#define AGG_ROLE_WORKER_H

#include "agg/base/loop.h"
#include "agg/conf/conf.h"
#include "agg/history/history.h"
#include "agg/report/report.h"
#include "agg/role/choice.h"
#include "agg/role/mptcp/mptcp_host.h"
#include "agg/transport/subflow.h"

#define WORKER_LISTENERS_MAX 16u /* sockets of packet tunnels */

struct worker;

/* What a worker may read, and nobody changes; all is borrowed. */
struct worker_facts {
	const struct conf *conf;
	/* Is it an address of this host (egress.h)? From any thread. */
	bool (*is_local)(void *ctx, const struct addr *a);
	void *ctx;
	const struct history *used; /* what sites had used; for who is new */
	bool takes_mptcp; /* the door does */
	bool ipv6_ready;  /* a device is ready for IPv6 */
	bool passes;      /* the door does */
	uint32_t process; /* as WELCOMEs say it */
};

/* All borrowed; they outlive the worker. */
struct worker_args {
	struct loop *loop;       /* the daemon's */
	unsigned index, workers; /* it is one of so many */
	uint64_t memory_max;     /* of all its sessions */
	bool is_single;          /* its tunnels' packets: tunnel_home.h */
	const struct mptcp_host *mptcp_host;
	/* What REPORT tells of a state is another. From its thread. */
	void (*on_change)(void *ctx);
	void *ctx;
};

/* How many there are to be; several have threads. */
unsigned worker_count(const struct conf_main *main);
/* Which of so many has the site of that pin. */
unsigned worker_of(const struct tls_pin *pin, unsigned workers);

/* It has no facts yet, and wants some before anything else. NULL: errno. */
struct worker *worker_create(const struct worker_args *args);
/* Where it has a thread, that begins now, with the capabilities that there are
 * left. 0 or -errno. */
int worker_start(struct worker *w);
/* Ends all sessions. NULL is fine. */
void worker_destroy(struct worker *w);

/* FACTS. 0, or -ENOMEM: those of before hold. That is found out before, and nothing
 * changes, by worker_prepare; worker_facts of the same, or worker_forget, follows. */
int worker_prepare(struct worker *w, const struct worker_facts *facts);
void worker_forget(struct worker *w);
int worker_facts(struct worker *w, const struct worker_facts *facts);
/* ADOPT, as door.h has it. */
void worker_adopt(struct worker *w, struct subflow *sf,
                  const struct tls_pin *pin, const struct wire_hello *hello);
/* LISTEN. Takes the sockets; count 0: none are left. */
void worker_listen(struct worker *w, const int *fds, unsigned count);
/* CHOOSE, as role_ops has it, of that site. */
int worker_choose(struct worker *w, const struct conf_site *site,
                  const struct choice *choice, struct buf *out);
/* DRAIN. */
void worker_drain(struct worker *w);
/* PART: as sites_part. */
bool worker_part(struct worker *w);
/* LEAVE. */
void worker_leave(struct worker *w, bool leaves);
/* REPORT: adds the sites, and what it waits for to head; and how many streams
 * there are, by itself. */
void worker_report(struct worker *w, struct report *out);
unsigned worker_streams(struct worker *w);
/* QUOTAS: on_site() of each site that has one, which it may change; the daemon's thread
 * waits meanwhile. */
struct quota;
void worker_quotas(struct worker *w,
                   void (*on_site)(void *ctx, const char *name, struct quota *q),
                   void *ctx);

#endif
