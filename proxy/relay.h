/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a relay joins one TCP socket and one stream, at both ends of the pipe:
 * at the gateway the client's socket, at the concentrator the dialled one.
 * It has no buffer: the socket is read into the stream's memory, and what the
 * stream brings is written from the stream's memory.
 *
 * What is carried over, each in both directions: bytes; the end of a
 * direction (FIN); a reset, behind the bytes that came before it; TCP's urgent
 * byte, in its place among the others. While the stream has no space the socket
 * is not read, while the socket is full the stream keeps its bytes.
 *
 * Lifetime: a relay belongs to its struct relays and ends by itself after the
 * stream's on_closed; nobody destroys one. The socket is the relay's from the
 * call that hands it over, also where that call fails.
 */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include "agg/base/loop.h"
#include "agg/transport/stream.h"
#include "proxy/share.h"

#define RELAYS_MAX 16384           /* in one struct relays */
#define RELAY_TURN_BYTES 262144    /* read from one socket before the next */
#define RELAY_PARTS_MAX 24         /* of memory that one read fills, */
#define RELAY_PARTS_MIN 2          /* and where the last did not fill these */
#define RELAY_LINGER_US 5000000    /* for delivered bytes before a reset */
#define RELAY_ANSWER_MAX 32        /* bytes of an answer to the client */
/* A host that is gone without a word is missed after 15 minutes. */
#define RELAY_KEEPALIVE_IDLE_S 600
#define RELAY_KEEPALIVE_INTERVAL_S 60
#define RELAY_KEEPALIVE_COUNT 5

/* What a client is told before the first byte, by its way in. */
struct relay_greeter {
	/* Writes the answer for a stream that was opened, resp. that failed
	 * before; returns its length. */
	size_t (*opened)(uint8_t out[RELAY_ANSWER_MAX], const struct addr *bound);
	size_t (*failed)(uint8_t out[RELAY_ANSWER_MAX], enum stream_end end);
};

/* All relays of one worker. */
struct relays;
struct relay;
struct tally;

struct relays *relays_create(struct loop *loop); /* NULL: errno */
/* After the streams: closes what still lingers. */
void relays_destroy(struct relays *relays);
unsigned relays_count(const struct relays *relays);
/* Of each relay that has a place of a host's: what its client got and sent since the
 * last time, when it ends and by relays_tell(). */
void relays_set_meter(struct relays *relays,
                      void (*on_bytes)(void *ctx, const struct addr *host,
                                       uint64_t down_bytes, uint64_t up_bytes),
                      void *ctx);
void relays_tell(struct relays *relays);

/* What to attach to a stream, with the struct relay as its ctx. */
extern const struct stream_events relay_events;

/* The gateway's side. First a relay for the client's socket, then the stream:
 *
 *     struct relay *r = relay_create(relays, client->fd, client->greeter);
 *     if (r)
 *             relay_start(r, session_open(s, &client->dest, &relay_events, r));
 *
 * greeter NULL: nothing is said, a failure is a reset. NULL: RELAYS_MAX are
 * there or no memory (errno), and the socket was reset. */
struct relay *relay_create(struct relays *relays, int fd,
                           const struct relay_greeter *greeter);
/* It takes a place of that host's, until it ends. False: the host has its
 * share; then it is to be refused. The tally outlives the relay. */
bool relay_charge(struct relay *r, struct tally *tally, const struct addr *host);
/* The stream that on_opened will tell of. NULL: none could be opened, the
 * client is told STREAM_END_LIMIT and the relay ends. */
void relay_start(struct relay *r, struct stream *s);
/* In place of relay_start: tells the client why not, and the relay ends. */
void relay_refuse(struct relay *r, enum stream_end end);
/* In place of relay_create and the rest: tells the client why not. */
void relay_turn_away(struct relays *relays, int fd,
                     const struct relay_greeter *greeter, enum stream_end end);

/* The concentrator's side. First the stream; its bytes wait for the socket.
 * If the stream closes before, on_abandoned(ctx) is called and the relay is
 * gone. NULL: errno as above, the stream is the caller's to reset. */
struct relay *relay_expect(struct relays *relays, struct share *share,
                           struct stream *s, loop_fn *on_abandoned, void *ctx);
/* The dial succeeded: stream_accept() was called, bytes flow. */
void relay_attach(struct relay *r, int fd);
/* The dial failed: the stream is reset, on_abandoned is not called. */
void relay_fail(struct relay *r, enum stream_end end);

#endif
