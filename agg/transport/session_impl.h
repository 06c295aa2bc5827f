/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the state that the files of the session share with each other and nobody
 * else. What each of them offers is in a header of its own; nobody calls one that
 * stands above it:
 *
 *     session.c  lifetimes, the turn, the deadline
 *     frames.c   what the peer says
 *     session_report.c  what it shows of itself
 *     verdict.c  what follows from what is known of lanes
 *     admit.c    which streams of the peer's are taken
 *     pump.c     what goes out now, and where
 *     overdue.c  what is sent again as the reader waits for it
 *     reinject.c what is sent again though it may arrive
 *     deep.c     which bytes of a stream a path would take
 *     watch.c    whether a lane works
 *     lane.c     one subflow: what is in flight, estimates
 *     stream.c   a stream: its public face, its beginning and end
 *     receive.c  its receiving half: what came, and its delivery
 *     credit.c   and what the peer may send of it
 *     send.c     its sending half
 *     work.c     what there is to do, and which stream is next
 *     memory.c   what may be held, and for what
 *     path.c     what all lanes of a path tell of it together
 *     depth.c    how deep in a stream a path takes its bytes
 *     flights.c  what a lane remembers of what it sent
 *     segments.c the bytes of a receiving half
 *     sendq.c    the bytes of a sending half
 *     unsent.c   which of them were never sent
 *     silence.c  the longest silence of late
 *     holdup.c   what held up the bytes
 */
#ifndef AGG_TRANSPORT_SESSION_IMPL_H
#define AGG_TRANSPORT_SESSION_IMPL_H

#include "agg/base/budget.h"
#include "agg/base/slice.h"
#include "agg/transport/depth.h"
#include "agg/transport/flights.h"
#include "agg/transport/holdup.h"
#include "agg/transport/path.h"
#include "agg/transport/segments.h"
#include "agg/transport/sendq.h"
#include "agg/transport/session.h"
#include "agg/transport/silence.h"
#include "agg/transport/unsent.h"

#include <assert.h>
#include <uthash.h>

#define CREDIT_OURS(memory) ((memory) / 16)     /* the first, where we open; and if it
                                                 * is alone: */
#define CREDIT_ALONE(memory) (CREDIT_OURS(memory) + ((memory) - SESSION_MEMORY_MIN) / 14)
#define CREDIT_ACCEPTED(memory) ((memory) / 32) /* and where the peer does */
#define LANE_BYTES 65536u         /* that a subflow holds whatever it does */
/* Of the peer's, ended there and not yet here. */
#define STREAMS_SPARE 1024u
/* And with those that ended here and whose end the peer does not know. */
#define STREAMS_MAX (2 * WIRE_STREAMS_MAX)
#define ORDER_LOOKAHEAD 64u       /* streams passed over in one go */
#define BULK_SHARE 8u             /* where bulk yields: a byte of so many */
#define BULK_SHARE_MAX 65536u

#define ACK_BYTES 65536u          /* acknowledge after so many, or ... */
#define ACK_DELAY_US PATH_ANSWER_US /* ... so long */
#define INFO_AGE_US 1000u         /* estimates of a lane are asked anew, */
#define INFO_EMPTY_US 20000u      /* and of one that carries nothing */
#define WATCH_US 50000u           /* a lane in flight is looked at so often */
#define LOWAT_US 10000u           /* backlog below us, as time of the path */
#define LOWAT_MAX (1u << 20)
#define SPREAD_MAX (3u << 20)     /* more of it, for several connections in one */
#define PIECE_US 5000u            /* a piece, as time of the path */
#define FRESH_MAX 64u             /* frames delivered together */

static_assert(SENDQ_CURSORS >= WIRE_PATHS_MAX, "one a path");
static_assert(UNSENT_CURSORS >= WIRE_PATHS_MAX, "one a path");

enum { /* stream.todo: control frames that must be sent */
	TODO_OPEN = 1,
	TODO_ACCEPT = 2,
	TODO_CREDIT = 4,
	TODO_RESET = 8,
	TODO_CLASS = 16,
	TODO_REFUSE = 32, /* a RESET for what is no stream: session.refused */
};

/* Bytes of a stream that were sent together. Lives while its stream has not
 * had it acknowledged, or a lane has it in flight. */
struct piece {
	struct stream *stream;   /* borrowed; NULL: the stream is gone */
	uint64_t offset;
	uint32_t len;
	bool fin, acked, again;  /* again: queued to be sent once more */
	bool doubled;            /* it was, though it may still arrive */
	bool hurries;            /* while again: its lane says nothing any more */
	uint8_t why;             /* < REINJECT_REASONS, while again */
	uint8_t copies;          /* lanes that have it in flight, */
	uint8_t stuck;           /* and how many of them are suspect */
	uint16_t path_mask;      /* paths that these lanes are on */
	struct piece *next;      /* stream.pieces, by offset */
	struct piece *next_again; /* stream.again */
	uint64_t sent_us;        /* the first of the copies that are */
	uint64_t passed_us;      /* since then the reader is thought to wait for
	                          * it, as all before it were sent; 0: they were
	                          * not, or it is acknowledged */
	struct piece *passed_prev, *passed_next; /* session.passed */
	struct budget *budget;   /* borrowed: its memory is of it */
};

enum lane_state { /* see watch.c */
	LANE_GOOD,
	LANE_DOUBTED, /* another lane of its path is silent or stalls: it must
	               * prove itself */
	LANE_SILENT,  /* no acknowledgement comes: it as well */
	LANE_SUSPECT, /* it stalls */
	LANE_MUTE,    /* it stalls, as only the peer's kernel answers */
};

struct lane {
	struct session *session; /* borrowed */
	const struct subflow_ops *ops;
	void *ctx;
	uint64_t info_us;        /* when info was asked */
	uint64_t watched_us;     /* when it was judged; the pump asks oftener */
	uint64_t since_us, heard_us, suspect_us;
	uint64_t progress_us;    /* TCP saw something acknowledged, or nothing
	                          * was waiting for it */
	uint64_t sampled_us;     /* TCP saw something acknowledged */
	uint64_t busy_us;        /* when something waited last to be sent */
	uint64_t rate_bps;       /* the best of late, of this lane */
	uint64_t lowat_bytes, pace_bps; /* as the subflow was told */
	uint64_t tx_bytes, rx_bytes; /* frames, counted alike on both ends */
	uint64_t tx_acked, rx_acked; /* of them acknowledged to us, by us */
	uint64_t pushed_bytes;   /* since info was asked, */
	uint64_t unflushed_bytes; /* since lane_flush() */
	uint64_t ack_due_us;     /* 0: nothing to acknowledge */
	uint64_t pinged_us;
	enum lane_state state;   /* set by verdict.c alone */
	bool full, wants_write, must_acknowledge;
	bool crammed;            /* nothing more is remembered, until an ACK */
	bool pong_due;           /* the last PING is to be answered */
	uint64_t pong_stamp;
	struct flights flights;
	struct lane *prev, *next; /* session.lanes */
	struct subflow_info info;
	struct wire_hello hello;
};

struct stream {
	struct session *session; /* borrowed */
	uint32_t id;
	const struct stream_events *events; /* NULL: no owner (any more) */
	void *ctx;
	bool known;         /* OPEN was seen, or is ours */
	bool accepted;      /* the dial succeeded */
	bool closing;       /* takes nothing more from owner and peer: see end */
	uint8_t acked;      /* TODO_...: control frames that the peer has */
	bool gone;          /* nothing is left to be done: free it */
	uint8_t end;        /* enum stream_end, once closing */
	uint8_t todo;
	uint16_t todo_late; /* on these paths some of it is already, and late */
	bool bulk;          /* its class now */
	bool class_fixed;   /* whatever it sends */
	bool is_todo, is_dead; /* listed there */
	uint32_t ready_at;  /* its place in session.ready[bulk] and 1; 0: none */
	bool starved;       /* the owner waits for space: session.starved */
	uint64_t since_us;

	/* sending */
	struct sendq out;
	struct unsent unsent;
	struct depth_share share;
	uint64_t wish_bytes;    /* of them, for deep pulls; see deep.c */
	uint64_t peer_max;      /* the peer's credit */
	bool fin_wanted, fin_sent, fin_acked;
	bool blocked;           /* head of line: the scheduler was told */
	struct piece *pieces, *pieces_tail;
	struct piece *again, *again_tail;
	uint64_t again_bytes;   /* in it */
	uint64_t burst;         /* serial number of this burst */
	uint64_t burst_bytes, burst_us; /* sent of it; the last that came */
	uint64_t burst_level;   /* of session_policy.bulk_after_bytes */
	uint64_t order_key, turn; /* work.c */

	/* receiving */
	struct segments segments;
	uint64_t in_offset;     /* delivered to the owner up to here */
	uint64_t hole_us;       /* since then what came has a hole before it */
	uint64_t granted_max;   /* the credit that the peer has, */
	uint64_t announced;     /* or that we said it has where it opens streams */
	bool was_granted;       /* it was told of a credit */
	bool judged;            /* the window was, whether it limits */
	uint64_t window_bytes;
	uint64_t reserved_bytes; /* of session.received */
	uint64_t epoch_us, epoch_offset; /* since then; us 0: nothing came */
	uint64_t fin_offset;    /* UINT64_MAX: not told yet */
	uint64_t reset_offset;  /* the peer's RESET stands here; UINT64_MAX */
	uint8_t reset_end;      /* and says so */
	uint64_t highest;       /* the end of what arrived, in order or not */
	bool fin_delivered, delivering;
	bool unkept;            /* there was no memory for what came */
	bool sated;             /* the owner did not take all; until it pulls */

	uint64_t path_tx[WIRE_PATHS_MAX], path_rx[WIRE_PATHS_MAX];
	uint8_t scope[SCHED_SCOPE_BYTES_MAX];
	struct stream *todo_prev, *todo_next;   /* session.todo */
	struct stream *starved_prev, *starved_next; /* session.starved */
	struct stream *dead_next;               /* session.dead */
	UT_hash_handle hh;                      /* session.streams */
	struct dest dest;
	struct addr client, bound;
};

/* Bytes of a stream where the shell opened them. */
struct fresh {
	struct stream *stream; /* borrowed; NULL: taken, or kept */
	uint64_t offset;
	const uint8_t *p;
	uint32_t n;
	uint8_t path;          /* that brought them */
};

/* Streams with something to send; see work.c. */
struct ready {
	struct stream **heap; /* with room for all streams, if there are any */
	uint32_t cap;
	uint32_t len;
};

/* Ids of the peer's streams that are to be told that there are too many. */
struct refused {
	uint32_t *ids;
	uint32_t len, cap;
};

struct session {
	struct session_args args;
	uint64_t now_us;        /* of the turn, or of the first that was noted for it */
	bool over;
	bool said_why;          /* by CLOSE */
	bool noted;             /* there is work for a turn, and the shell knows */

	struct slice slice;     /* the shells' */

	struct lane *lanes;
	unsigned lane_count;
	uint64_t heard_us;      /* a frame, on any of them */
	uint64_t asked_us;      /* all of them, as none came; 0: they were not */
	uint64_t unasked_bytes; /* heard since a flow that ended was asked after */
	uint64_t watched_us;    /* last */
	uint64_t laneless_us;   /* when the last lane went; 0: it did not */

	struct stream *streams; /* by id */
	unsigned stream_count;
	unsigned open_count;    /* of them not closing */
	uint32_t next_id;       /* ours; odd */
	uint32_t seen_floor;    /* the peer's: all ids below were seen */
	struct refused refused;
	struct ready ready[STREAM_CLASS_COUNT];
	uint64_t turns, bursts;
	struct stream *todo;
	struct stream *starved;
	struct stream *dead;    /* to be freed at the end of a turn */
	uint64_t queued[STREAM_CLASS_COUNT]; /* bytes unsent */
	uint64_t bulk_share;    /* bytes of bulk that come before all else */
	uint64_t streams_opened, doubles_bytes;
	uint64_t again_bytes[REINJECT_REASONS];
	uint64_t laid_bytes;    /* of streams, for the first time, ever */
	struct piece *passed;   /* in order of passing, not acknowledged */
	uint64_t overdue_us;    /* when they are looked at next */
	struct reinject_budget again_budget;
	size_t buffered, retained;
	struct sendq_pool blocks; /* of its streams' send queues */
	struct budget memory;   /* and of it: */
	struct budget received, sent, sealed;

	unsigned reserve;       /* paths that carry nothing while others work */
	uint32_t classes;       /* of paths, as wire_settings has it */
	uint64_t longest_rtt_us; /* of the lanes that are good */
	unsigned resting;       /* those that carry nothing now: it, or none */
	uint32_t probe_lane;    /* subflow that is asked for an echo; 0: none */
	uint64_t probe_us;      /* since then */
	uint64_t echo_us, echoes;
	struct silence silence; /* of its streams' readers */
	struct holdup limits;   /* of what it sends */
	struct wire_limits peer_limits; /* the peer's word, and when; 0: never */
	uint64_t peer_limits_us;
	struct session_picks picks;
	uint64_t ends[STREAM_END_COUNT]; /* streams, by how they ended */
	unsigned fresh_count;

	uint64_t wait_until_us;
	uint64_t deadline_us;
	struct wire_settings settings, peer_settings;
	uint32_t announced;     /* the most that settings.stream_credit ever was */
	bool settings_todo;
	bool settings_news;     /* of the peer's, to be told */
	struct wire_frame tunnel_key, tunnel_net; /* type 0: not said */
	bool tunnel_todo;
	struct path path[WIRE_PATHS_MAX];
	uint64_t path_tx[WIRE_PATHS_MAX], path_rx[WIRE_PATHS_MAX];
	uint64_t instance[STREAM_CLASS_COUNT][SCHED_INSTANCE_BYTES_MAX / 8];
	struct fresh fresh[FRESH_MAX]; /* since session_deliver() */
	uint8_t seen[WIRE_STREAM_WINDOW / 8];
	char why[128];
};

#endif
