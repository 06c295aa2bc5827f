/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream is one proxied TCP connection inside a session: ordered bytes
 * both ways, half-close, reset. This is all that a way in (proxy/) or the way
 * out knows of the session.
 *
 * Bytes out: stream_space() says how much may be written now, stream_reserve()
 * hands memory to read a socket into, stream_commit() sends it on. When
 * space was 0, on_writable tells that it no longer is.
 * Bytes in: on_data is offered what has arrived in order, in parts where it lies,
 * and returns how much it took; the rest waits in the session (inside the stream's
 * credit, so the peer stops sending) until stream_pull().
 *
 * Lifetime: from stream_open() or on_stream (session.h) until on_closed,
 * which is called exactly once, never from inside a function of this header,
 * and is the last word: the pointer is dead when it returns.
 */
#ifndef AGG_TRANSPORT_STREAM_H
#define AGG_TRANSPORT_STREAM_H

#include "agg/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define DEST_NAME_MAX 255 /* RFC 1928: one length byte; RFC 1035: 255 */

/* Where a stream shall go: an address, or a name that the egress resolves. */
struct dest {
	struct addr addr;              /* port always; family AF_UNSPEC: name */
	char name[DEST_NAME_MAX + 1];  /* "" unless addr.family is AF_UNSPEC */
};

/* Why a stream ended. On the wire as one byte: append, never renumber. */
enum stream_end {
	STREAM_END_FINISHED = 0,   /* both directions finished, all acknowledged */
	STREAM_END_RESET,          /* an end sent RST, or gave up half-way */
	STREAM_END_REFUSED,        /* destination: connection refused */
	STREAM_END_NET_UNREACH,    /* destination: network unreachable */
	STREAM_END_HOST_UNREACH,   /* destination: host unreachable */
	STREAM_END_TIMED_OUT,      /* destination did not answer */
	STREAM_END_NAME_NOT_FOUND, /* the name has no address */
	STREAM_END_NOT_ALLOWED,    /* the egress refuses that destination */
	STREAM_END_LIMIT,          /* too many streams, no memory */
	STREAM_END_SESSION_LOST,   /* the session ended under it */
};
#define STREAM_END_COUNT (STREAM_END_SESSION_LOST + 1)

const char *stream_end_text(enum stream_end end); /* "connection refused" */

/* How a stream is treated by its sender: apart, each class with a scheduler. */
enum stream_class { STREAM_INTERACTIVE, STREAM_BULK };
#define STREAM_CLASS_COUNT 2

const char *stream_class_name(enum stream_class c); /* "interactive" */

#define STREAM_PARTS_MAX 64 /* offered at once */

struct stream;

/* What a stream tells its owner. All are required. A callback may call any
 * function of this header on the same stream. */
struct stream_events {
	/* The peer's dial succeeded. bound is the address it dialled from. On
	 * the side that was asked to dial it is never called. */
	void (*on_opened)(void *ctx, const struct addr *bound);
	/* Bytes in order, in 1 to STREAM_PARTS_MAX parts, none of them empty, and
	 * not to be changed; returns how many were taken. */
	size_t (*on_data)(void *ctx, struct iovec *parts, int count);
	/* The peer finished its direction, and on_data took every byte. */
	void (*on_finished)(void *ctx);
	/* stream_space() is above 0 again. */
	void (*on_writable)(void *ctx);
	void (*on_closed)(void *ctx, enum stream_end end);
};

static inline size_t stream_parts_bytes(const struct iovec *parts, int count)
{
	size_t n = 0;

	for (int i = 0; i < count; i++)
		n += parts[i].iov_len;
	return n;
}

/* How many bytes may be written now. 0: wait for on_writable. */
size_t stream_space(struct stream *s);
/* Memory for *n bytes, 1 or more; NULL when stream_space() is 0 or memory is
 * short. Valid until the next call. */
uint8_t *stream_reserve(struct stream *s, size_t *n);
/* The same in up to max parts, to be filled in order; how many. */
int stream_reserve_parts(struct stream *s, struct iovec *parts, int max);
/* What was reserved has n bytes, 0 or more; the rest of it is not needed. */
void stream_commit(struct stream *s, size_t n);
/* Fixes the class, for both ends. By itself a stream is interactive until it
 * sent session_policy.bulk_after_bytes in one burst, then bulk until it was
 * quiet for BURST_GAP_US; what sends no more than that in that time stays
 * interactive. */
void stream_set_class(struct stream *s, enum stream_class c);
/* Half-close: what was committed is the last. */
void stream_finish(struct stream *s);
/* on_data can take more again. */
void stream_pull(struct stream *s);
/* The side that dials: it succeeded, from this local address. Data may be
 * committed and taken before. A failed dial is stream_reset(). */
void stream_accept(struct stream *s, const struct addr *bound);
/* Ends both directions. What was committed before still goes out, and comes
 * before the peer's owner gets on_closed(end), if end is STREAM_END_RESET; for
 * any other end it is dropped. Nothing more comes in. Our on_closed follows
 * too, in a later turn. */
void stream_reset(struct stream *s, enum stream_end end);

#endif
