/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the session, pure: all between one gateway and one concentrator, but
 * no socket, no clock and no event loop. The shell (subflow.c and role/, or a
 * test under virtual time) attaches subflows and feeds what they receive. None
 * of that is answered at once: it calls session_turn() when on_work told so,
 * after all else that there is to do (the end of the loop's turn), and when the
 * deadline is reached. So what comes together goes out together.
 *
 * The way of a byte out: stream_commit() -> the stream's send queue -> a piece,
 * when the scheduler finds a path with room (pump.c) -> a DATA frame in the
 * lane of that subflow (lane.c), where it is remembered until acknowledged.
 * The way in: session_input() -> wire_decode() -> reassembly (receive.c) ->
 * on_data. A piece whose subflow dies or stalls goes back to its stream and
 * out again elsewhere; a double is dropped by its offset.
 *
 * A lane is the session's end of one subflow: what is in flight on it, its
 * estimates, and whether it is suspect.
 */
#ifndef AGG_TRANSPORT_SESSION_H
#define AGG_TRANSPORT_SESSION_H

#include "agg/transport/holdup.h"
#include "agg/transport/path_load.h"
#include "agg/transport/stream.h"
#include "agg/transport/wire.h"
#include "scheduler/order.h"
#include "scheduler/reinject.h"
#include "scheduler/scheduler.h"

#define SESSION_MEMORY_MIN (4u << 20)
#define SESSION_MEMORY_DEFAULT (32u << 20)
#define SESSION_LINGER_DEFAULT_US 60000000u

/* No progress for so long at least, and at most (or 3 srtt): the lane is suspect.
 * A shell may hand in what it hears by whole TLS records (subflow.c): 2.6 ms of
 * 50 Mbit/s, far from any of these. */
#define SUSPECT_MIN_US 200000u
#define SUSPECT_MAX_US 1000000u
#define PING_IDLE_US 5000000u     /* a quiet lane is asked so often */
#define BULK_AFTER_BYTES 16384u   /* a burst of more is bulk, by default */
#define BURST_GAP_US 1000000u     /* of silence end it; it fades by as much in each */

struct budget;
struct slice;
struct session;
struct lane;

/* What a subflow tells of itself; 0 where not known. */
struct subflow_info {
	uint64_t srtt_us, rttvar_us, min_rtt_us;
	uint32_t mss;
	uint64_t cwnd_bytes, ssthresh_bytes;
	uint64_t inflight_bytes; /* on the path */
	uint64_t notsent_bytes;  /* below us, not on the path yet */
	uint64_t acked_bytes;    /* ever; grows with progress */
	uint64_t unacked_bytes;  /* sent; what progress is waited for, with notsent */
	uint64_t quiet_us;       /* no acknowledgement came, of progress or not */
	uint64_t rate_bps;       /* bytes/s that the path was seen to carry */
	uint64_t pacing_bps;     /* what the congestion control would send */
	uint64_t retrans_bytes, sent_bytes; /* ever */
	/* Of several connections in one: backlog, as time, that it wants beside
	 * what is usual, so that the slowest of them gets its part. */
	uint64_t spread_us;
	uint64_t first_rtt_us; /* and of the one that little bytes take, the least */
	bool stuck; /* one of them has no answer to what it sent again */
	bool in_recovery, app_limited;
};

/* How the session talks to a subflow. All are required; none may call back
 * into the session at once. */
struct subflow_ops {
	/* Memory for a frame of n bytes, NULL when the subflow is full; then
	 * commit exactly n. Frames leave in order, at flush at the latest. */
	uint8_t *(*reserve)(void *ctx, size_t n);
	void (*commit)(void *ctx, size_t n);
	void (*flush)(void *ctx);
	/* Leaves *out as it is where nothing is known (any more). */
	void (*info)(void *ctx, struct subflow_info *out);
	/* Sends no faster, bytes/s; 0: as it likes. A wish. */
	void (*set_pace)(void *ctx, uint64_t bps);
	/* Wished backlog: session_writable() below half of it ... */
	void (*set_lowat)(void *ctx, size_t bytes);
	/* ... while this is wanted. */
	void (*want_write)(void *ctx, bool on);
	/* The session is done with it, the lane is gone: close. */
	void (*drop)(void *ctx, const char *why);
	/* (optional) Likewise, but what was flushed is to arrive first. */
	void (*part)(void *ctx, const char *why);
};

struct session_events {
	uint64_t (*now_us)(void *ctx);
	/* There is work: session_turn(), soon, but not in here. Told once until
	 * then. */
	void (*on_work)(void *ctx);
	/* The deadline moved; (re)arm. UINT64_MAX: none. */
	void (*on_deadline)(void *ctx, uint64_t at_us);
	/* Only where streams are accepted: a new one. The owner sets *events and
	 * *stream_ctx, or returns the end to refuse it with. */
	enum stream_end (*on_stream)(void *ctx, struct stream *stream,
	                             const struct dest *dest,
	                             const struct addr *client,
	                             const struct stream_events **events,
	                             void **stream_ctx);
	/* The peer's settings changed. */
	void (*on_settings)(void *ctx, const struct wire_settings *settings);
	/* (optional) What the peer says of the packet tunnel, from inside of
	 * session_input(): TUNNEL_KEY, TUNNEL_NET, doubles too; DATAGRAM, whose bytes
	 * are good until this returns. */
	void (*on_tunnel)(void *ctx, const struct wire_frame *frame);
	/* (optional) A lane became suspect or recovered; those that were
	 * doubted with it did too. */
	void (*on_suspect)(void *ctx, const struct lane *lane);
	/* The session is over: the peer broke the protocol, or the last subflow
	 * went linger ago. All streams got on_closed. Destroy it later, not in
	 * here. */
	void (*on_over)(void *ctx, const char *why);
};

/* How this end sends. */
struct session_policy {
	const struct sched_ops *scheduler[STREAM_CLASS_COUNT];
	const struct order_ops *order;
	enum reinject_policy reinjection;
	uint64_t bulk_after_bytes;
	/* A slow path takes of bulk what is needed when it has it there, and what
	 * the reader waits for goes again at once. */
	bool deep;
};

struct session_args {
	bool opens;               /* gateway: opens streams; else accepts them */
	struct budget *memory;    /* borrowed: of all sessions; NULL: none */
	size_t memory_max;        /* that it may hold, see memory.c */
	uint64_t linger_us;
	uint64_t give_up_us;      /* a lane suspect for so long is dropped */
	struct session_policy policy;
	const struct session_events *events; /* borrowed */
	void *ctx;
};

/* NULL: errno. */
struct session *session_create(const struct session_args *args);
/* Its events are told to that one from now on, and its deadline anew. It is not over. */
void session_set_ctx(struct session *s, void *ctx);
/* Drops all lanes; streams get on_closed(SESSION_LOST) now. */
void session_destroy(struct session *s);

/* A subflow that said HELLO and WELCOME. NULL: errno (ENOSPC: too many).
 * The lane lives until session_detach() or ops->drop. */
struct lane *session_attach(struct session *s, const struct wire_hello *hello,
                            const struct subflow_ops *ops, void *ctx);
/* The subflow is dead; what it carried goes elsewhere. */
void session_detach(struct lane *lane);
/* Frames, or parts of them, from the subflow. Returns bytes used (what is left
 * is an unfinished frame, to come again with more behind it), or -EPROTO: the
 * session is over, all its lanes are dropped, this one too. Bytes of streams stay
 * where they are, at p, until session_deliver(). */
ssize_t session_input(struct lane *lane, const uint8_t *p, size_t n);
/* The same, but it also stops behind so many streams that the peer opens, which
 * may cost more than the caller has time for: to be called again. */
#define SESSION_OPENS_MAX 32u
ssize_t session_input_part(struct lane *lane, const uint8_t *p, size_t n);
/* What was put in so far reaches the streams' owners, and is read no more. Calls
 * owners, as session_turn(), which comes later. */
void session_deliver(struct lane *lane);
void session_writable(struct lane *lane);

/* Of which the shells of its lanes take what waits in them; until drop, or
 * session_detach(). */
struct budget *session_sealed(struct session *s);
/* In which they count what time they take of a turn of the loop, as long. */
struct slice *session_slice(struct session *s);

/* Does what is to be done. Calls owners, so it is not for inside of a callback of
 * the session's. */
void session_turn(struct session *s);

/* Opens a stream (gateway). NULL: errno (ENOSPC, ENOMEM, EPIPE: over). */
struct stream *session_open(struct session *s, const struct dest *dest,
                            const struct addr *client,
                            const struct stream_events *events, void *ctx);

/* One scheduler for all streams, the order that it is made for, and the
 * default of the rest. */
void session_policy_init(struct session_policy *policy,
                         const struct sched_ops *sched);
/* From now on; loses nothing. */
void session_set_policy(struct session *s, const struct session_policy *policy);
/* As in session_args; what is laid or granted already stays. */
void session_set_limits(struct session *s, size_t memory_max,
                        uint64_t linger_us);
/* Told to the peer now, and to every later incarnation. */
void session_set_settings(struct session *s, uint32_t flags,
                          const struct wire_wish *wish); /* NULL: none */
/* Paths, a bit each, that carry nothing while a lane of another path works; the
 * peer does the same (gateway only). What is on its way there arrives. */
void session_set_reserve(struct session *s, unsigned paths);
/* The path's class from now on, enum sched_path_class, whatever its lanes said; the peer
 * hears of it (gateway only). */
void session_set_class(struct session *s, unsigned path, unsigned path_class);
/* The same for the packet tunnel: a TUNNEL_KEY or a TUNNEL_NET, of each the latest. */
void session_say_tunnel(struct session *s, const struct wire_frame *frame);
/* A DATAGRAM, n <= WIRE_DATAGRAM_BYTES_MAX, by the way that bulk would take now: lost with
 * its subflow, and not sent again. False: not now, as more than 10 ms of its rate wait
 * there, or there is none. p NULL: would it go? */
bool session_carry(struct session *s, const uint8_t *p, size_t n);
/* What the streams take of a path. beside_bps: by lanes that are no uplink's own (the
 * kernel's MPTCP). */
void session_path_load(const struct session *s, unsigned path, uint64_t beside_bps,
                       struct path_load *out);
/* Asks the peer for an echo, by the way that an interactive stream would take
 * now; none while one is awaited. See session_stats. */
void session_probe(struct session *s);
/* Ends it with a reason that both sides log: CLOSE, then on_over. */
void session_close(struct session *s, const char *why);

/* What held up the bytes of late, told to the peer for its report. Not kept where
 * no lane takes it. */
void session_tell_limits(struct session *s, const struct wire_limits *limits);

/* For reports. */
#define SESSION_MUTE_WORDS "only the peer's kernel answers: its process hangs, " \
	"or is overloaded"

struct lane_stats {
	uint32_t id;
	uint8_t path, bundle, path_class;
	bool suspect, rests;          /* its path is in reserve, and not needed */
	bool mute;                    /* suspect: only the peer's kernel answers */
	char name[WIRE_NAME_MAX + 1];
	struct subflow_info info;
	uint64_t rx_bytes, tx_bytes;  /* frames, ever */
	uint64_t flight_bytes;
	uint64_t up_since_us;
	uint64_t silent_us;           /* since the last progress */
};
struct stream_stats {
	uint32_t id;
	struct dest dest;
	struct addr client;
	enum stream_class class;
	bool accepted, finished_out, finished_in;
	uint64_t since_us, tx_bytes, rx_bytes, unsent_bytes, buffered_bytes;
	uint64_t path_tx_bytes[WIRE_PATHS_MAX];
	uint64_t path_rx_bytes[WIRE_PATHS_MAX];
};
/* What the schedulers said, ever. */
struct session_picks {
	uint64_t sent, waited; /* of what is new or lost */
	uint64_t again;        /* sent though another path has it too */
};
struct session_stats {
	unsigned streams, lanes, lanes_suspect, lanes_mute;
	uint64_t streams_opened;
	size_t buffered_bytes, retained_bytes;
	/* Allocated, or promised to the peer as credit; it may be so much. */
	size_t memory_bytes, memory_max;
	uint64_t doubles_bytes; /* received again */
	uint64_t echo_us, echoes; /* of session_probe(): their sum, their number */
	/* The longest of the last minute in which a reader got nothing, as what
	 * came had a hole before it; by which path; 0: none. */
	uint64_t silent_us;
	uint8_t silent_path;
	struct holdup limits;
	struct wire_limits peer_limits;
	uint64_t peer_limits_age_us; /* UINT64_MAX: it never said */
	struct session_picks picks;
	uint64_t ends[STREAM_END_COUNT]; /* streams, by how they ended, ever */
	struct session_policy policy;
	uint64_t again_bytes[REINJECT_REASONS]; /* sent again, and why, ever */
	/* Frames, ever, by path, of lanes that are gone too. */
	uint64_t path_tx_bytes[WIRE_PATHS_MAX], path_rx_bytes[WIRE_PATHS_MAX];
};
void session_stats(const struct session *s, struct session_stats *out);
/* How its streams' readers are now: wire_limits.flags. Looks at each stream. */
uint8_t session_readers(const struct session *s);
void session_lane(const struct lane *lane, struct lane_stats *out);
void session_each_lane(const struct session *s,
                       void (*fn)(void *ctx, const struct lane_stats *),
                       void *ctx);
void session_each_stream(const struct session *s,
                         void (*fn)(void *ctx, const struct stream_stats *),
                         void *ctx);

#endif
