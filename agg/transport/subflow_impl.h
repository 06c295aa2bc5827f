/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the parts of a subflow know of each other: subflow.c, its life;
 * subflow_in.c, what comes in; subflow_out.c, what goes out. Included by nobody
 * else.
 */
#ifndef AGG_TRANSPORT_SUBFLOW_IMPL_H
#define AGG_TRANSPORT_SUBFLOW_IMPL_H

#include "agg/base/slice.h"
#include "agg/kernel/sockopt.h"
#include "agg/transport/subflow.h"

#define SUBFLOW_WHY_MAX 192
#define SUBFLOW_IN_MAX (320u << 10) /* a large read, and a part of a record */

enum subflow_state {
	SUBFLOW_CONNECTING,
	SUBFLOW_TLS,
	SUBFLOW_GREETING, /* HELLO, WELCOME */
	SUBFLOW_PARKED,   /* on its way to another loop */
	SUBFLOW_JOINED,
	SUBFLOW_CLOSING,  /* a last frame leaves */
	SUBFLOW_DEAD,
};

struct subflow {
	struct subflow_args args;
	enum subflow_state state;
	enum tls_side side;
	int fd;
	struct addr peer;
	struct wire_hello hello;
	struct tls *tls;
	struct tls_pin expected; /* of a concentrator */
	struct buf in, out;  /* ciphertext */
	struct buf partial;  /* the beginning of a frame */
	struct loop_io *io;
	struct loop_timer *timer;
	struct loop_task death, again;
	struct slice *slice; /* the session's, while it is joined */
	uint64_t counted_us; /* in it, up to then */
	bool left;           /* frames or records, for the next turn */
	struct lane *lane;   /* the session's; NULL: not joined (any more) */
	bool was_joined, want_write, with_bbr;
	bool mptcp;          /* and not fallen back, when it was joined */
	bool polls;          /* the timer stands for writability */
	uint64_t una_first;  /* of MPTCP: acked_bytes counts from there */
	bool orphan;         /* nobody waits for on_end */
	bool abort;          /* close with RST */
	uint32_t lowat;
	uint32_t receive_lowat; /* as the kernel was told; 0: never */
	bool read_much;      /* the last time */
	enum subflow_end end;
	uint64_t greet_end_us; /* of a client's greeting */
	char wanted[SOCKOPT_CC_NAME_MAX], congestion[SOCKOPT_CC_NAME_MAX];
	char why[SUBFLOW_WHY_MAX];
};

/* subflow.c */
/* First of two steps: no more events; freed at the end of the turn. Once dead,
 * or in its last words, it keeps the reason that it has. */
void subflow_mark_dead(struct subflow *sf, const char *why);
/* Neither its lane nor its session is of it any more. The lane, which is to be
 * detached if the session does not know yet; or NULL. */
struct lane *subflow_part(struct subflow *sf);
/* What stands in `out` still leaves, for SUBFLOW_CLOSE_US; what comes is not heard. */
void subflow_close(struct subflow *sf);

/* Its watchers are of that loop from now on; it has none. 0 or -ENOMEM. */
int subflow_settle_on(struct subflow *sf, struct loop *loop);

/* Takes a frame of the greeting; how many bytes. */
size_t subflow_hear(struct subflow *sf, const uint8_t *p, size_t n);
/* With what has come; and what comes behind it is heard. */
void subflow_shake_hands(struct subflow *sf);

/* subflow_in.c */
/* The records at hand are opened where they lie, so that their streams' owners
 * get what they brought in one piece; what the turn has no time for, in the next. */
void subflow_in_open(struct subflow *sf);
/* Reads as far as the turn allows; what is left comes first in the next. */
void subflow_in_read(struct subflow *sf);

/* subflow_out.c */
extern const struct subflow_ops subflow_out_ops; /* what its session may ask */
/* Seals the record at hand and sends what is sealed, as far as the kernel takes
 * it. */
void subflow_out_send(struct subflow *sf);
/* A frame by itself, sent at once. */
void subflow_out_say(struct subflow *sf, const struct wire_frame *frame);
/* Waits for what it now has to: bytes to read, room to send or to be asked. */
void subflow_out_watch(struct subflow *sf);

#endif
