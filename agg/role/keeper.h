/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: keeps connections to the concentrator: a number of slots, each of which
 * shall have a subflow that is joined. Endpoints take turns while none is;
 * what fails waits, longer each time (retry.h). Which slots shall be filled,
 * by which way, and what a failure says of an uplink, is its user's: after
 * everything that happens, and when a pause is over, he settles.
 */
#ifndef AGG_ROLE_KEEPER_H
#define AGG_ROLE_KEEPER_H

#include "agg/conf/conf.h"
#include "agg/role/endpoints.h"
#include "agg/role/retry.h"
#include "agg/transport/subflow.h"

#define KEEPER_SLOTS_MAX WIRE_BUNDLES_MAX

/* What HELLOs say of the session. */
struct keeper_session {
	uint8_t id[WIRE_SESSION_ID_BYTES];
	uint64_t incarnation; /* as in wire_hello */
	bool over;            /* for good: nobody joins it any more */
};

struct keeper_events {
	/* The slot's subflow has its WELCOME: subflow_join and keeper_on_join, or
	 * subflow_fail. */
	void (*on_welcome)(void *ctx, unsigned slot, struct subflow *sf,
	                   const struct wire_welcome *welcome);
	/* It is over; the slot is free already. */
	void (*on_end)(void *ctx, unsigned slot, bool joined, const char *why,
	               enum subflow_end kind);
	void (*on_retry)(void *ctx); /* a pause is over */
};

/* All borrowed; they outlive the keeper. */
struct keeper_args {
	struct loop *loop;
	struct tls_context *tls;
	struct rand *rand;
	const struct conf *conf;
	struct endpoints *endpoints;
	uint32_t (*next_id)(void *next_ctx); /* of a subflow */
	void *next_ctx;
	const struct keeper_session *session;
	const struct keeper_events *events;
	void *ctx;
};

struct keeper_slot {
	struct keeper *keeper; /* borrowed */
	struct subflow *sf;    /* NULL: the slot is free */
	struct endpoint at;    /* of sf, or of the last */
	unsigned uplink;       /* over which it began */
	bool joined;
};

struct keeper {
	struct keeper_args args;
	char congestion[CONF_CONGESTION_MAX + 1]; /* of subflows */
	unsigned turn;         /* of the endpoints, the one that is next */
	struct retry retry;
	struct keeper_slot slots[KEEPER_SLOTS_MAX];
};

/* By which way a subflow begins, and as what. */
struct keeper_way {
	struct endpoint at;
	unsigned uplink;
	const char *device;
	const struct addr *source;
	const char *name;      /* in HELLO, as these */
	uint8_t path, path_class;
	bool mptcp;
	unsigned mss;          /* as in subflow_args */
};

/* A subflow that is no slot's, of another session, with events of its own. */
struct keeper_guest {
	struct tls_context *tls;   /* borrowed, as these */
	const struct keeper_session *session;
	const struct subflow_events *events;
	void *ctx;
};

/* 0, or -ENOMEM. */
int keeper_init(struct keeper *k, const struct keeper_args *args);
void keeper_finish(struct keeper *k); /* its subflows go */
void keeper_set_conf(struct keeper *k, const struct conf *conf);

/* Of the uplink's candidates the one whose turn it is, and that may be used;
 * false: there is none. count gets how many there are in all. */
bool keeper_choose(struct keeper *k, unsigned uplink,
                   bool (*may_use)(const void *ctx, const struct addr *a),
                   const void *ctx, struct endpoint *out, unsigned *count);
/* Should the slot's subflow begin now? It is free, and no pause holds it. */
bool keeper_may_begin(const struct keeper *k, unsigned slot);
/* It begins. 0, or -errno: it has failed already. */
int keeper_begin(struct keeper *k, unsigned slot,
                 const struct keeper_way *way);
/* By a way on which slots are joined. NULL: errno. */
struct subflow *keeper_begin_guest(struct keeper *k, unsigned bundle,
                                   const struct keeper_way *way,
                                   const struct keeper_guest *guest);
/* One has failed before it was joined: a pause, and, while none is joined, the
 * next endpoint. */
void keeper_failed(struct keeper *k, enum subflow_end kind);
/* A subflow is joined: its slot; -1: it is not of these. */
int keeper_on_join(struct keeper *k, struct subflow *sf);

unsigned keeper_joined(const struct keeper *k);
/* The slots from that one on are not wanted any more. */
void keeper_fail_from(struct keeper *k, unsigned slot, const char *why);
typedef void keeper_take_fn(void *ctx, struct subflow *sf, unsigned path, unsigned slot);
/* Those that are joined go to whom take() gives them to, the others without a word. */
void keeper_leave(struct keeper *k, keeper_take_fn *take, void *ctx);
/* All subflows go, without a word. */
void keeper_end_all(struct keeper *k);

#endif
