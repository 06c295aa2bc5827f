/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a scheduler decides which path carries the next piece. It is a pure
 * decision: no clock, no I/O, no allocation, integers only. The session, the
 * packet tunnel and the simulator fill the same structs from what they know.
 *
 * The driver orders units by a policy of its own, asks pick() once per piece,
 * and obeys: SEND commits bytes on the paths of a mask, WAIT leaves the unit
 * and tries the next, DROP forgets it (datagrams only). It stops when no path
 * has room or every unit waits.
 *
 * The contract, tested for every scheduler (tests/contract/scheduler_...):
 * SEND only to paths that are SCHED_PATH_UP and have room; WAIT only with
 * SCHED_MAY_WAIT, for a path that is up, until a finite time; where one path
 * alone is up and has room, SEND; the same inputs give the same decision; no
 * overflow at 100 Gbit/s times 10 s.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHED_PATHS_MAX 10         /* paths of one call: bits of a mask */
#define SCHED_INSTANCE_BYTES_MAX 256
#define SCHED_SCOPE_BYTES_MAX 16
#define SCHED_NAME_MAX 15
#define SCHED_WAIT_MIN_US 1000u    /* what a scheduler waits at once, without */
#define SCHED_WAIT_MAX_US 2000000u /* being asked again */

enum sched_path_state {
	SCHED_PATH_UP,
	SCHED_PATH_SUSPECT, /* no progress: carries nothing new */
	SCHED_PATH_DOWN,
};

/* Preferred paths first; the next class only when the one before is full
 * (metered) or has no path that is up (backup). */
enum sched_path_class {
	SCHED_CLASS_NORMAL,
	SCHED_CLASS_METERED,
	SCHED_CLASS_BACKUP,
};

enum { /* sched_path.flags */
	SCHED_IN_RECOVERY = 1,
	SCHED_APP_LIMITED = 2,
	SCHED_SLOW_START = 4,
	SCHED_NO_RTT_YET = 8,
};

/* One path as it is now. */
struct sched_path {
	uint8_t id;              /* its number, the same in every view;
	                          * < SCHED_PATHS_MAX */
	uint8_t state;           /* enum sched_path_state */
	uint8_t path_class;      /* enum sched_path_class */
	uint8_t flags;
	uint32_t mss;            /* bytes */
	uint32_t loss_ppm;
	uint64_t srtt_us, rttvar_us, min_rtt_us;
	uint64_t est_age_us;     /* since the estimates were last fed */
	/* Bytes/s that the path carries, all of its subflows together; not
	 * lowered by idleness. 0: unknown. */
	uint64_t rate_bps;
	/* Of all subflows of the path: sent and not acknowledged, or queued. */
	uint64_t backlog_bytes;
	/* Of the subflow that is offered: */
	uint64_t cwnd_bytes, ssthresh_bytes;
	uint64_t inflight_bytes; /* sent, not acknowledged */
	uint64_t queued_bytes;   /* committed to it, not yet sent */
	uint64_t room_bytes;     /* may be committed now; 0: nothing */
};

enum sched_unit_kind {
	SCHED_STREAM,
	SCHED_DATAGRAM,
	SCHED_REINJECT, /* again: what carried it is dead or stuck */
	SCHED_DOUBLE,   /* again: to be there earlier than by what carries it */
};

#define SCHED_UNKNOWN UINT64_MAX

/* What is offered to the paths. */
struct sched_unit {
	uint8_t kind;             /* enum sched_unit_kind */
	uint32_t tried_mask;      /* paths that carry it already */
	uint64_t len_bytes;       /* of this piece, at most */
	uint64_t remaining_bytes; /* of its stream; SCHED_UNKNOWN */
	uint64_t sent_bytes;      /* of its stream's burst so far */
	uint64_t pending_bytes;   /* of its stream, waiting now; this one too */
	/* Of streams before it in the order, that wait for a better path. */
	uint64_t ahead_bytes;
	/* Thought to be left of its stream: what waits; or, where its source is
	 * held back, as much as it sent already (order_left()); and what goes
	 * again. */
	uint64_t left_bytes;
	/* The papers' k: not committed yet, up to where this stream is done. */
	uint64_t queued_bytes;
	uint64_t window_bytes;    /* what the peer's credit still allows */
};

enum sched_verdict { SCHED_SEND, SCHED_WAIT, SCHED_DROP };

struct sched_decision {
	uint8_t verdict;       /* enum sched_verdict */
	uint8_t wait_for;      /* WAIT: the path worth waiting for, as in view */
	uint32_t mask;         /* SEND: paths of the view, a bit each; more
	                        * than one: duplicate */
	uint64_t recheck_us;   /* WAIT: ask again at the latest then */
};

/* What the driver tells the instance that it asks, between two picks. */
enum sched_event_type {
	/* A SEND was obeyed: bytes of the unit were committed to the path. At
	 * once, before anything else is asked; one event for each path of the
	 * mask that took it, none for one that could not. */
	SCHED_EV_SENT,
	/* A stream is head-of-line blocked: it has bytes to send, the peer's
	 * credit allows none, and its oldest piece that is not acknowledged is
	 * in flight on the path, while a later piece was acknowledged already.
	 * Once, until the stream has credit again; bytes: what waits of it. */
	SCHED_EV_HOL_BLOCKED,
};
#define SCHED_EV_COUNT (SCHED_EV_HOL_BLOCKED + 1)

struct sched_event {
	uint8_t type; /* enum sched_event_type */
	uint8_t path; /* sched_path.id */
	uint64_t bytes, now_us;
};

enum { /* sched_ops.caps */
	SCHED_MAY_WAIT = 1,
	SCHED_NEEDS_WINDOW = 2,
	SCHED_NEEDS_SIZE = 4,
	SCHED_DUPLICATES = 8,
};

/* Everything that pick() looks at. */
struct sched_view {
	uint64_t now_us;
	const struct sched_path *paths; /* borrowed */
	unsigned count;                 /* 1 .. SCHED_PATHS_MAX */
	const struct sched_unit *unit;  /* borrowed */
};

struct sched_ops {
	const char *name;
	const char *summary;     /* one line, for status and help */
	const char *order;       /* the order of streams it is made for (order.h) */
	unsigned caps;
	size_t instance_bytes;   /* <= SCHED_INSTANCE_BYTES_MAX, zeroed at start */
	size_t scope_bytes;      /* per stream or flow, <= SCHED_SCOPE_BYTES_MAX */
	/* (required) Decides for one unit. instance and scope are this
	 * scheduler's own memory, NULL where it asked for none. */
	void (*pick)(void *instance, void *scope, const struct sched_view *view,
	             struct sched_decision *out);
	/* (optional) What happened since: every event of the above. */
	void (*event)(void *instance, const struct sched_event *event);
};

/* What a site gets that says nothing: chosen by measurement (README). */
#define SCHED_DEFAULT "srpt_ecf"

/* The registry: adding a scheduler is one file and one line in registry.c. */
extern const struct sched_ops *const sched_all[];
extern const size_t sched_count;
const struct sched_ops *sched_find(const char *name); /* NULL: no such */

/* For schedulers: is it sent again, and has its place with the receiver? */
bool sched_is_again(const struct sched_unit *unit);
/* Is path i one that unit may be sent on now? */
bool sched_usable(const struct sched_view *view, unsigned i);
/* The best class in which any path could be sent on now by the rules above,
 * or -1. Paths of another class are not to be used. */
int sched_class_now(const struct sched_view *view);
/* The usable path of least smoothed RTT in the class of the moment; ties keep
 * the order of the paths. -1: none. The research's "default choice". */
int sched_lowest_rtt(const struct sched_view *view);
/* The path of least smoothed RTT that is worth waiting for instead of sending
 * on path s: up, measured, not tried, faster, of the same class or a better
 * one. s: none. */
int sched_faster(const struct sched_view *view, int s);
/* What a SEND would commit to path i, at most. */
uint64_t sched_piece_bytes(const struct sched_view *view, unsigned i);
void sched_send(struct sched_decision *out, unsigned path);
/* WAIT for a path, for us, in the bounds of SCHED_WAIT_MIN_US and _MAX_US. */
void sched_wait(const struct sched_view *view, struct sched_decision *out,
                unsigned path, uint64_t us);
/* Nothing can be sent: a WAIT for a path that the unit could use if it had
 * room, for drivers that ask though no path has. */
void sched_nothing(const struct sched_view *view, struct sched_decision *out);

#endif
