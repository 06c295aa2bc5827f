/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which path takes a packet of which flow, and how deep in the flow's queue it
 * takes it. Pure.
 *
 * Real time keeps the best path. What is new or small goes where it arrives first.
 * A bulk flow has a home; while it has more in its queue than its home can take, it
 * spills in the order of arrival: a slow path takes what the faster ones would come to
 * when its packet arrives, so many bytes deep, and nothing if the queue is shorter.
 * So a flow that keeps no queue is never spread, and the packets of one that does
 * arrive nearly in order. (STMS, USENIX ATC 2018, does so with a stream's bytes.)
 *
 * Spilling is guarded, so that no flow is worse off than on its best path: by the
 * spread of delays; by loss, which a loss-based sender of that rate would not bear
 * (Mathis et al., 1997), unless the flow has shown that it does; and by proof: what came
 * to half a second less by it than by its home alone, goes by its home alone for a
 * while. Nor over a path that is much quicker than its home: one early packet would
 * tell a sender that goes by its least round trip (BBR) of a path that it does not have.
 * Who sends at his rate, whatever is lost or late (heedless), goes over any that is near.
 */
#ifndef AGG_TRANSPORT_SPILL_H
#define AGG_TRANSPORT_SPILL_H

#include <stdbool.h>
#include <stdint.h>

#define SPILL_PATHS 8u
#define SPILL_SPREAD_US 60000u  /* later than by the fastest, at most */

/* The tunnel fills the first half before spill_begin(). */
struct spill_path {
	bool usable;
	bool known;          /* feedback came: delay and rate are measured, */
	bool untried;        /* but what it could carry at most is not */
	uint8_t cost;        /* enum sched_path_class: metered is for what is more than the
	                      * normal ones take, backup for when no other is */
	int64_t delay_us;    /* one way, with its queue; of two clocks */
	uint64_t wait_us;    /* until it may take something; 0: now */
	uint64_t rate_bps, rtt_us; /* bytes/s; the least round trip */
	uint64_t promised_bps; /* of one that is untried: what it may come to; 0: not known */
	uint32_t loss_ppm;   /* surely; */
	uint32_t likely_ppm; /* as it seems, where that is more */
	/* private */
	int64_t later_us;    /* than the fastest: for a packet that it takes now */
	uint64_t trip_us;    /* a sender's round trip: its answers go the quickest way */
	unsigned busy, busy_now; /* bulk flows that took of it, in a slice of time */
};

/* Zeroed: none is usable. */
struct spill_paths {
	struct spill_path path[SPILL_PATHS];
	uint8_t order[SPILL_PATHS]; /* of those usable, by arrival */
	unsigned count;
	uint64_t slice_us;   /* this slice's begin */
	uint64_t turned_us;  /* since then the order would be another; 0: it is right */
	uint32_t serial;     /* of the slice */
};

/* Of a flow, in flow_scope(). Zeroed: new. */
struct spill_flow {
	uint8_t home;        /* 1 + path; 0: none */
	uint8_t paths;       /* that may take of it now */
	uint8_t failures;    /* of proof, in a row */
	int8_t gain;         /* by spilling: percent of a second of its home alone */
	uint8_t deaf, meek;  /* seconds in a row in which losses did not, did hold it up, */
	uint8_t full;        /* in which it took most of what its home has, */
	uint8_t calm;        /* all of it, and nothing was lost */
	bool tolerant : 1, minds : 1; /* so it is no loss-based sender, or is one */
	bool trial : 1;      /* for a second it is taken for tolerant */
	bool spills : 1;     /* may go by more than one path */
	bool heedless : 1;   /* sends at its rate, whatever comes of it */
	bool watch_dropped : 1; /* of it, in watch_us's window */
	uint8_t trials;      /* that failed */
	uint8_t worth;       /* percent of what its losses allow that it comes to; 0: not known */
	uint8_t pressed;     /* windows in a row in which more came than went, and was dropped */
	uint8_t slack;       /* seconds in a row in which it left much of its home */
	uint8_t found;       /* 1 + the path on which that was so; 0: none */
	uint8_t found_s;     /* it is remembered for so long */
	uint8_t finds;       /* in a row */
	uint64_t leaves_us;  /* since then it would leave its home; 0: it would not */
	uint64_t numbered_us; /* the tunnel's: that is so since then; 0: it is not */
	uint64_t stopped_us; /* not before that again */
	uint64_t better_us;  /* another path is, since then; 0: none */
	uint64_t took_us;    /* the last packet */
	uint64_t moved_us;   /* to its home; 0: it began there */
	uint64_t slice_us;
	uint64_t proof_us;   /* this second's begin, in which */
	uint32_t proof_bytes, spilled_bytes, dropped; /* in it */
	uint64_t watch_us;   /* this window's begin, in which */
	uint32_t watch_bytes; /* went, */
	uint32_t excess_bytes; /* came more than went, since it is pressed */
	uint32_t watch_put;  /* spill_ask.put at its begin */
	uint32_t watch_bps;  /* came in the one before */
	uint32_t heedless_bps; /* when it was found to be */
	uint32_t len_sum;    /* of its packets of late */
	uint32_t slice_bytes[SPILL_PATHS], rate_bps[SPILL_PATHS];
	uint32_t before_bps; /* in the second before */
	uint32_t found_bps;  /* what it came to there */
	uint16_t serial[SPILL_PATHS]; /* slice in which it counted as busy there */
};

enum spill_kind {
	SPILL_SMALL,     /* new, or sends little */
	SPILL_BULK,      /* there is always something in its queue */
	SPILL_REALTIME,
};

struct spill_ask {
	enum spill_kind kind;
	uint64_t backlog_bytes;
	uint32_t put;        /* packets that ever came of it */
	uint32_t len;        /* of its next packet */
	bool is_long;        /* it will likely be bulk (QUIC) */
	uint64_t now_us;
};

struct spill_choice {
	uint8_t path;
	uint64_t depth_bytes;
};

/* Paths are as they are now. */
void spill_begin(struct spill_paths *ps, uint64_t now_us);
/* Which paths may have a packet of the flow, the fastest first, metered ones last; of
 * these the tunnel asks those that are ready. 0: none is usable. For real time the second
 * is where a copy may go. */
unsigned spill_choose(struct spill_paths *ps, struct spill_flow *f,
                      const struct spill_ask *ask,
                      struct spill_choice out[SPILL_PATHS]);
void spill_took(struct spill_paths *ps, struct spill_flow *f, unsigned path,
                uint32_t bytes, bool bulk, uint64_t now_us);
/* Its queue dropped one of its packets: whoever minds losses sends less now. */
void spill_dropped(struct spill_flow *f);
/* Those that carry it now, a bit each. */
uint8_t spill_carriers(const struct spill_flow *f);
/* How long the flow's queue must be allowed to be, so long at least. A part of what its
 * farthest path has under way, as that goes to and fro between the path's queue and this
 * one while the path's rate is probed, and a sender that minds losses falls by a third
 * (RFC 9438): without a queue it would not have it whole for seconds. And what its paths
 * differ by, or it never gets so deep that the slow one may take of it, also by two thirds. */
uint32_t spill_queue_us(const struct spill_paths *ps, const struct spill_flow *f,
                        uint64_t least_us);

#endif
