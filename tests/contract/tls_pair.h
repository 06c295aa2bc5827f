/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a client and a server, each by any library, and the bytes between
 * them moved by hand, in pieces as small as the test likes.
 */
#ifndef TESTS_CONTRACT_TLS_PAIR_H
#define TESTS_CONTRACT_TLS_PAIR_H

#include "tests/contract/tls_impl.h"

#include "agg/base/rand.h"

#define TLS_PAIR_QUEUE_MAX (4u << 20)
#define TLS_PAIR_PATH_MAX 64

/* Directories with one identity each, in a temporary one. */
struct tls_pair_home {
	char root[TLS_PAIR_PATH_MAX];
	char client[TLS_PAIR_PATH_MAX + 8], server[TLS_PAIR_PATH_MAX + 8];
};

void tls_pair_home_init(struct tls_pair_home *home, const struct tls_impl *lib);
void tls_pair_home_finish(struct tls_pair_home *home);

struct tls_end {
	const struct tls_impl *lib;
	struct tls_context *ctx;
	struct tls *tls;
	struct buf in, out;
	int shaken; /* the last answer of handshake() */
};

void tls_end_init(struct tls_end *end, const struct tls_impl *lib,
                  enum tls_side side, const char *dir);
void tls_end_finish(struct tls_end *end);
/* Another connection of the same context, with empty queues. */
void tls_end_renew(struct tls_end *end);
/* Goes on with the handshake, unless it is complete or has failed. */
void tls_end_shake(struct tls_end *end);
/* Appends all that can be read now to `to`; the answer that ended it. */
int tls_end_read(struct tls_end *end, struct buf *to);

struct tls_pair {
	struct tls_end client, server;
};

void tls_pair_init(struct tls_pair *pair, const struct tls_impl *client,
                   const struct tls_impl *server,
                   const struct tls_pair_home *home);
void tls_pair_finish(struct tls_pair *pair);

/* Moves up to n bytes of one queue to another. */
void tls_pair_move(struct buf *from, struct buf *to, size_t n);
/* Moves up to n bytes each way and goes on with both handshakes. */
void tls_pair_turn(struct tls_pair *pair, size_t n);
/* The whole handshake in pieces of 1 .. piece_max bytes; true when both
 * sides completed it. */
bool tls_pair_shake(struct tls_pair *pair, size_t piece_max, struct rand *r);

#endif
