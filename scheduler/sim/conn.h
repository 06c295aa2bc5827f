/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: connections of a simulated client to a simulated server: a stream each,
 * on which items follow one another. An item is an exchange (a request up, its
 * answer down, which the server gives as soon as it has the whole request) or
 * a push one way. Sources and sinks are as fast as the session. Every byte is
 * looked at: one that is missing, too many or out of place is an error of the
 * run, and so is a stream that ends in any way but finished.
 *
 * The client is at the gateway; sides are WORLD_GATEWAY, WORLD_CONCENTRATOR.
 */
#ifndef SCHEDULER_SIM_CONN_H
#define SCHEDULER_SIM_CONN_H

#include "scheduler/sim/world.h"

#define CONN_ENDLESS (UINT64_C(1) << 50) /* bytes; until conn_cut() */
#define CONNS_MAX 200000u
#define CONN_ERROR_MAX 255

#define CONN_UNKNOWN UINT64_MAX

struct conn;

enum conn_mode { CONN_EXCHANGE, CONN_PUSH_DOWN, CONN_PUSH_UP };

struct conn_item {
	enum conn_mode mode;            /* mode and bytes: before conn_add() */
	uint64_t up_bytes, down_bytes;
	uint64_t start_us, end_us;      /* end 0: not done */
	uint64_t up_end, down_end;      /* in the conn's count; CONN_UNKNOWN */
	struct conn *conn;              /* borrowed; NULL: not added */
	struct conn_item *next;         /* of its conn */
};

struct conn_owner {
	/* The last byte of an item was read. May be called in a callback of the
	 * session: conn_add() on the same conn is allowed, no conn_open(). */
	void (*on_done)(void *ctx, struct conn_item *item);
	/* (optional) A side read so many bytes. */
	void (*on_read)(void *ctx, const struct conn *conn, int side, size_t n);
};

struct conn_end {
	struct conn *conn;              /* borrowed */
	int side;
};

struct conn {
	struct conns *all;              /* borrowed */
	const struct conn_owner *owner; /* borrowed */
	void *ctx;
	unsigned index;
	struct stream *stream[2];       /* NULL: not yet, or closed */
	uint64_t want[2], sent[2];      /* by the side that sends */
	uint64_t got[2];                /* by the side that reads */
	bool last[2], finished[2];      /* finish when all is sent; was done */
	bool last_item;                 /* no more are added */
	unsigned closed;                /* ends that have closed */
	struct conn_item *asked;        /* not wholly at the server */
	struct conn_item *answered;     /* not wholly done */
	struct conn_item *tail;
	struct conn_end end[2];
};

struct conns {
	struct world *world;            /* borrowed */
	struct conn **list;
	unsigned count, cap, open;
	uint8_t *pattern;               /* what the bytes of all streams are */
	char error[CONN_ERROR_MAX + 1]; /* "": none yet */
	void (*on_idle)(void *ctx);     /* the last open one has closed */
	void *ctx;
};

/* 0, -ENOMEM. */
int conns_init(struct conns *c, void (*on_idle)(void *ctx), void *ctx);
/* The world is destroyed before. */
void conns_finish(struct conns *c);
/* world_events of that world, with the conns as its ctx. */
extern const struct world_events conns_events;
/* The first error stays, and ends the run. */
void conns_fail(struct conns *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL: the error is noted. */
struct conn *conn_open(struct conns *c, const struct conn_owner *owner,
                       void *ctx);
/* It starts now. last: none follows, so that the streams' ends go with it. */
void conn_add(struct conn *conn, struct conn_item *item, bool last);
/* An endless item is as long as it has become; none follows. */
void conn_cut(struct conn *conn, struct conn_item *item);
/* No item follows; what is there is done before. */
void conn_close(struct conn *conn);

/* Of the item's bytes towards that side: read there; sent, not read. unsent is
 * what the sending session still holds of the conn. */
void conn_progress(const struct conn_item *item, int side, uint64_t unsent,
                   uint64_t *read, uint64_t *in_flight);

#endif
