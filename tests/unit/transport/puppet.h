/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one session whose peer is played by hand: the test says frames, right
 * or wrong, and looks at what the session sends. Subflows take everything at
 * once and their kernel acknowledges it at once, unless told otherwise.
 *
 * Streams that the session accepts, and those that a test opens with
 * puppet_open, belong to a struct reader, which keeps what it is given.
 */
#ifndef TESTS_PUPPET_H
#define TESTS_PUPPET_H

#include "agg/base/buf.h"
#include "agg/transport/session.h"

#define PUPPET_LANES_MAX (WIRE_SUBFLOWS_MAX + 1)
#define PUPPET_READERS_MAX (2 * WIRE_STREAMS_MAX)
#define PUPPET_OUT_MAX (8u << 20)

struct puppet;

struct puppet_lane {
	struct puppet *puppet;
	struct lane *lane;      /* NULL: not attached (any more) */
	uint32_t id;
	struct buf out;         /* committed, not looked at yet */
	uint64_t sent_bytes;    /* ever committed */
	uint64_t kernel_acked;  /* of them; frozen while stalled */
	bool stalled;           /* the peer's kernel is silent */
	uint64_t quiet_us;      /* and said nothing for so long */
	bool stuck;             /* one of several connections is: a byte is left */
	uint64_t spread_us, first_rtt_us; /* of them */
	uint64_t window_bytes;  /* of its kernel, which has not sent more than that;
	                         * 0: large */
	uint64_t rate_bps;      /* 0: 10 MB/s */
	bool dying;             /* its kernel tells nothing any more */
	bool full;              /* reserve gives nothing */
	size_t lowat;
	uint64_t pace_bps;      /* 0: as it likes */
	bool want_write;
	unsigned flushes;
	char dropped[128];      /* why; "" not */
};

struct reader {
	struct puppet *puppet;
	struct stream *stream;  /* NULL: closed, or not there yet */
	size_t appetite;        /* takes so much, then nothing */
	uint64_t received;
	unsigned offers;        /* how often it was offered bytes */
	uint8_t *keep;          /* (optional) bytes go here, by offset */
	uint64_t to_write, written; /* it writes puppet_pattern() up to there */
	bool then_finish;
	unsigned opened, finished, closed, writable;
	enum stream_end end;
	struct dest dest;
	struct addr client;
};

struct puppet {
	struct session *session;
	uint64_t now_us, deadline_us;
	bool has_work;          /* the session waits for a turn */
	bool inside;            /* of a callback: no turn now */
	unsigned clock_reads;
	struct puppet_lane lane[PUPPET_LANES_MAX];
	struct reader *reader;  /* PUPPET_READERS_MAX */
	unsigned reader_count;
	/* (optional) Called at the end of each event of a reader whose stream
	 * lives: does there what an owner may do. */
	void (*hook)(struct reader *r);
	enum stream_end accept; /* FINISHED: takes streams; else refuses so */
	uint8_t *keep;          /* for the next reader */
	unsigned over, suspects, recoveries, settings_seen;
	struct wire_settings settings;
	unsigned tunnel_seen;
	struct wire_frame tunnel; /* the last of them */
	char why[128];
};

struct puppet_args {
	bool opens;
	size_t memory_max;      /* 0: SESSION_MEMORY_MIN */
	const char *scheduler;  /* NULL: lowrtt */
};

/* The session has its turn, if it waits for one. The functions below end so, or
 * begin so (hear, pass); after what a test does to the session by itself, it is
 * the test's to call. */
void puppet_turn(struct puppet *p);

void puppet_init(struct puppet *p, const struct puppet_args *args);
void puppet_finish(struct puppet *p);

/* Lane i of path i % WIRE_PATHS_MAX, bundle 0; its id is i + 1 the first time,
 * and never again. NULL: errno. */
struct puppet_lane *puppet_attach(struct puppet *p, unsigned i);
struct puppet_lane *puppet_attach_as(struct puppet *p, unsigned i,
                                     const struct wire_hello *hello);
void puppet_detach(struct puppet_lane *l);

/* What the peer says; as session_input() answers. */
ssize_t puppet_say(struct puppet_lane *l, const struct wire_frame *frame);
ssize_t puppet_say_bytes(struct puppet_lane *l, const void *p, size_t n);
ssize_t puppet_say_data(struct puppet_lane *l, uint32_t stream, uint64_t offset,
                        const void *p, uint32_t len, bool fin);
ssize_t puppet_say_open(struct puppet_lane *l, uint32_t stream);
ssize_t puppet_say_credit(struct puppet_lane *l, uint32_t stream,
                          uint64_t offset_max);
/* The peer has processed all that was sent on `of`, and says so on l. */
ssize_t puppet_say_ack(struct puppet_lane *l, const struct puppet_lane *of);

/* The next frame that the session sent on the lane; false: none. DATA's bytes
 * are good until the next call. */
bool puppet_hear(struct puppet_lane *l, struct wire_frame *out);
/* Skips to the next of that type. */
bool puppet_hear_type(struct puppet_lane *l, uint8_t type,
                      struct wire_frame *out);

/* Lets time pass, with turns when they are due. */
void puppet_pass(struct puppet *p, uint64_t us);
/* Opens a stream to 192.0.2.1:80. */
struct reader *puppet_open(struct puppet *p);
/* Lets the reader take so much more. */
void puppet_feed(struct reader *r, size_t appetite);
/* It writes n more, as it may, and then finishes. */
void puppet_write(struct reader *r, uint64_t n, bool then_finish);
uint8_t puppet_pattern(uint64_t offset);

#endif
