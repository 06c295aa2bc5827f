/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a role is what the daemon is at this place, gateway or concentrator:
 * the only rooms that know both ends of the pipe. main drives it by this
 * table and knows nothing else of it.
 */
#ifndef AGG_ROLE_ROLE_H
#define AGG_ROLE_ROLE_H

#include "agg/base/budget.h"
#include "agg/base/loop.h"
#include "agg/conf/conf.h"
#include "agg/kernel/netmon.h"
#include "agg/pair/pairing.h"
#include "agg/report/report.h"
#include "agg/role/choice.h"

#define DRAIN_US 10000000u /* SIGTERM waits so long for streams to end, */
#define LEFT_US 3600000000u /* and an update */

struct role_ops;

/* The processes that an update left behind: what they still carry. */
struct role_before {
	bool is_there;
	unsigned streams;
	uint64_t down_bps, up_bps;
};

/* An update, at the end that goes (left.h). */
enum role_update {
	ROLE_RESTS,    /* nobody new comes in, nothing of the kernel's is touched or put
	                * right, peers are told that our sessions leave */
	ROLE_GOES_ON,  /* nobody took over: as before, with other sessions */
	ROLE_IS_GONE,  /* somebody did: what is left of it are streams */
};

/* What every role starts with. */
struct role {
	const struct role_ops *ops;
	struct loop *loop;         /* borrowed, as all of these */
	const struct conf *conf;
	struct netmon *netmon;
	const struct pairing *pairing; /* NULL: not yet */
	uint32_t process;          /* a number of this one's, at random; not 0 */
	struct role_before before; /* as it told last */
	/* A connection is for that process, of those before. True: fd is with it. */
	bool (*pass)(void *ctx, int fd, uint32_t process);
	void *pass_ctx;            /* borrowed */
	struct budget memory;      /* of all sessions: half of what there is; of a
	                            * concentrator, its workers part it */
	_Atomic unsigned changes;  /* see role_changed; wraps */
	unsigned calm_s;           /* without a stream, so far */
};

void role_init(struct role *role, const struct role_ops *ops, struct loop *loop,
               const struct conf *conf, struct netmon *netmon);
/* A state that a report shows is another: the next one is to show it. From any
 * thread. */
static inline void role_changed(struct role *role)
{
	role->changes++;
}
#define ROLE_CALM_S 10       /* without a stream, then it is tidied ... */
#define ROLE_CALM_AGAIN_S 60 /* ... and again, for who came and went */
/* Once a second; counts in *calm_s. */
static inline bool role_is_calm(unsigned *calm_s, unsigned streams)
{
	*calm_s = streams ? 0 : *calm_s + 1;
	return *calm_s % ROLE_CALM_AGAIN_S == ROLE_CALM_S;
}
/* Gives back to the system what was used and is not, and what only start-up and
 * streams need where there has been none for a while: once a second. */
void role_tidy_memory(struct role *role);

typedef void role_host_fn(void *ctx, const struct addr *host, uint64_t down_bytes,
                          uint64_t up_bytes);

/* All are required, but where it is said. */
struct role_updates {
	/* In words, why streams would not outlive an update; NULL: they do. */
	const char *(*why_not)(const struct role *role);
	void (*update)(struct role *role, enum role_update step);
	/* While it rests: 0: do peers not know yet? Else what its successor is told. */
	uint8_t (*has_left)(const struct role *role);
	/* And at the end that comes, right after create. */
	void (*succeed)(struct role *role, uint8_t told);
	/* (optional) before.is_there is another. */
	void (*on_before)(struct role *role);
	/* (optional) Takes a connection that its successor got for it. */
	void (*take)(struct role *role, int fd);
	/* (optional) What each host of the LAN sent and got since it was asked last (at a
	 * concentrator: each site that has a quota, and all of it as down_bytes); and at the
	 * end that came, what one did so before. */
	void (*each_host)(struct role *role, role_host_fn *on_host, void *ctx);
	void (*count_host)(struct role *role, const struct addr *host,
	                   uint64_t down_bytes, uint64_t up_bytes);
};

/* All hooks are required, but where it is said. */
struct role_ops {
	const char *name; /* as in `option role` */
	/* Makes sockets, rules and routes. NULL: it has logged why. */
	struct role *(*create)(struct loop *loop, const struct conf *conf,
	                       struct netmon *netmon);
	/* Another configuration of the same role; the old one is valid until
	 * this returns. What did not change is not touched. 0, or -errno and
	 * error (which comes empty) says what could not be done and why: then
	 * nothing has changed, the old one stays in force. What can still come
	 * by itself, an address or a device, is no error: the role waits. */
	int (*reload)(struct role *role, const struct conf *conf,
	              struct conf_error *error);
	void (*on_netdev)(struct role *role, const struct netdev *dev);
	/* No more new streams; those that are go on. */
	void (*drain)(struct role *role);
	unsigned (*streams)(const struct role *role);
	/* (optional) Before destroy, and again until it is true: the peer is told that it
	 * ends, and has heard, or had the time to. */
	bool (*part)(struct role *role);
	void (*report)(struct role *role, struct report *out);
	/* A person chooses how to send. 0 or -EINVAL; out says what holds now,
	 * or what is allowed. */
	int (*choose)(struct role *role, const struct choice *choice,
	              struct buf *out);
	/* (optional) A person asks for a speed test, or how far it is: words of
	 * aggctl. As a handler of ctl.h. */
	int (*speedtest)(struct role *role, int argc, const char *const *argv,
	                 struct buf *out);
	/* (optional) A person asks for the history: words of aggctl, likewise. */
	int (*history)(struct role *role, int argc, const char *const *argv,
	               struct buf *out);
	const struct role_updates *updates; /* (optional) */
	/* Ends all, and removes every rule and route; not those of a successor. */
	void (*destroy)(struct role *role);
};

extern const struct role_ops role_gateway;
extern const struct role_ops role_unpaired; /* a gateway, before it has joined */
extern const struct role_ops role_concentrator;

/* 0, or -1 with a log line: rules, routes and table of an earlier run are
 * removed. */
int role_cleanup(void);
/* The same without the table: what a gateway's destroy ends with, whose table
 * goes first (lan.h). */
int role_cleanup_routes(void);

#endif
