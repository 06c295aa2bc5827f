/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a client and a server with nothing but queues between them.
 */
#include "tests/contract/tls_pair.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TURNS_MAX 100000 /* of a handshake that goes byte by byte */

void tls_pair_home_init(struct tls_pair_home *home, const struct tls_impl *lib)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(home->root, sizeof(home->root), "%.40s/aggd-tls.XXXXXX",
	         tmp ? tmp : "/tmp");
	if (!mkdtemp(home->root))
		abort();
	snprintf(home->client, sizeof(home->client), "%s/client", home->root);
	snprintf(home->server, sizeof(home->server), "%s/server", home->root);
	if (lib->identity_generate(home->client) < 0 ||
	    lib->identity_generate(home->server) < 0)
		abort();
}

static void remove_identity(const char *dir)
{
	char path[TLS_PAIR_PATH_MAX + 24];

	snprintf(path, sizeof(path), "%s/identity.pem", dir);
	unlink(path);
	rmdir(dir);
}

void tls_pair_home_finish(struct tls_pair_home *home)
{
	remove_identity(home->client);
	remove_identity(home->server);
	rmdir(home->root);
}

void tls_end_init(struct tls_end *end, const struct tls_impl *lib,
                  enum tls_side side, const char *dir)
{
	*end = (struct tls_end){ .lib = lib };
	end->ctx = lib->context_create(side, dir);
	if (!end->ctx)
		abort();
	tls_end_renew(end);
}

void tls_end_renew(struct tls_end *end)
{
	end->lib->destroy(end->tls);
	buf_finish(&end->in);
	buf_finish(&end->out);
	buf_init(&end->in, TLS_PAIR_QUEUE_MAX);
	buf_init(&end->out, TLS_PAIR_QUEUE_MAX);
	end->shaken = 0;
	end->tls = end->lib->create(end->ctx, &end->in, &end->out);
	if (!end->tls)
		abort();
}

void tls_end_finish(struct tls_end *end)
{
	end->lib->destroy(end->tls);
	end->lib->context_destroy(end->ctx);
	buf_finish(&end->in);
	buf_finish(&end->out);
}

void tls_end_shake(struct tls_end *end)
{
	if (end->shaken == 0)
		end->shaken = end->lib->handshake(end->tls);
}

int tls_end_read(struct tls_end *end, struct buf *to)
{
	uint8_t *p;
	ssize_t n;

	while ((n = end->lib->open(end->tls, &p)) > 0)
		if (buf_put(to, p, (size_t)n) < 0)
			abort();
	end->lib->taken(end->tls);
	return (int)n;
}

void tls_pair_init(struct tls_pair *pair, const struct tls_impl *client,
                   const struct tls_impl *server,
                   const struct tls_pair_home *home)
{
	tls_end_init(&pair->client, client, TLS_CLIENT, home->client);
	tls_end_init(&pair->server, server, TLS_SERVER, home->server);
}

void tls_pair_finish(struct tls_pair *pair)
{
	tls_end_finish(&pair->client);
	tls_end_finish(&pair->server);
}

void tls_pair_move(struct buf *from, struct buf *to, size_t n)
{
	if (n > from->len)
		n = from->len;
	if (!n)
		return;
	if (buf_put(to, buf_head(from), n) < 0)
		abort();
	buf_take(from, n);
}

void tls_pair_turn(struct tls_pair *pair, size_t n)
{
	tls_end_shake(&pair->client);
	tls_pair_move(&pair->client.out, &pair->server.in, n);
	tls_end_shake(&pair->server);
	tls_pair_move(&pair->server.out, &pair->client.in, n);
}

bool tls_pair_shake(struct tls_pair *pair, size_t piece_max, struct rand *r)
{
	for (int i = 0; i < TURNS_MAX; i++) {
		tls_pair_turn(pair, 1 + rand_below(r, piece_max));
		if (pair->client.shaken == 1 && pair->server.shaken == 1)
			return true;
		if (pair->client.shaken < 0 && pair->server.shaken < 0)
			return false;
	}
	return false;
}
