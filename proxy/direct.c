/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see direct.h. A connection owns its two sockets and, of each direction,
 * the bytes that the other socket did not take: while there are some, nothing
 * more is read. So an idle connection holds no memory but its own struct.
 */
#include "proxy/direct.h"

#include "agg/kernel/sockopt.h"
#include "proxy/dial.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utlist.h>

struct directs {
	struct directs_args args;
	struct direct *all; /* direct.next */
	unsigned count;
	uint8_t chunk[DIRECT_CHUNK]; /* what is read, until it is written */
};

/* One socket, and what it sends. */
struct side {
	struct direct *direct; /* borrowed */
	int fd;                /* -1: not yet */
	struct loop_io *io;
	uint8_t *rest;         /* read from it and not written yet; or NULL */
	size_t rest_off, rest_len;
	bool eof;              /* its direction is through */
	bool shut;             /* and the other socket has been told */
};

struct direct {
	struct directs *owner; /* borrowed */
	struct direct *prev, *next;
	struct side sides[2];  /* the client, the server */
	struct dial *dial;     /* until there is a server */
	struct addr host;
	char device[IFNAMSIZ]; /* "": any */
	const struct relay_greeter *greeter;
};

static struct side *other(struct side *s)
{
	return &s->direct->sides[s == s->direct->sides];
}

static void side_close(struct side *s, bool abort)
{
	loop_io_destroy(s->io);
	free(s->rest);
	if (s->fd < 0)
		return;
	if (abort) {
		sockopt_abort(s->fd);
		return;
	}
	sockopt_set_abort(s->fd, false);
	close(s->fd);
}

static void direct_end(struct direct *d, bool abort)
{
	struct directs *owner = d->owner;

	dial_cancel(d->dial);
	side_close(&d->sides[0], abort);
	side_close(&d->sides[1], abort);
	tally_give(owner->args.hosts, &d->host);
	DL_DELETE(owner->all, d);
	owner->count--;
	free(d);
}

static void update_interest(struct side *s)
{
	unsigned want = 0;

	if (!s->eof && !s->rest)
		want |= LOOP_READ;
	if (other(s)->rest)
		want |= LOOP_WRITE;
	loop_io_want(s->io, want);
}

/* Writes what was read from s to the other one. 0, or -errno. */
static int pass_on(struct side *s, const uint8_t *p, size_t n, size_t *passed)
{
	ssize_t put = send(other(s)->fd, p, n, MSG_NOSIGNAL);

	*passed = put > 0 ? (size_t)put : 0;
	return put < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}

static int keep(struct side *s, const uint8_t *p, size_t n)
{
	s->rest = malloc(n);
	if (!s->rest)
		return -ENOMEM;
	memcpy(s->rest, p, n);
	s->rest_off = 0;
	s->rest_len = n;
	return 0;
}

static int write_rest(struct side *s)
{
	size_t passed;
	int err = pass_on(s, s->rest + s->rest_off, s->rest_len, &passed);

	s->rest_off += passed;
	s->rest_len -= passed;
	if (s->rest_len)
		return err;
	free(s->rest);
	s->rest = NULL;
	return err;
}

static int read_more(struct side *s)
{
	uint8_t *chunk = s->direct->owner->chunk;
	size_t passed;
	ssize_t n = recv(s->fd, chunk, DIRECT_CHUNK, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		s->eof = true;
		return 0;
	}
	int err = pass_on(s, chunk, (size_t)n, &passed);
	if (!err && passed < (size_t)n)
		err = keep(s, chunk + passed, (size_t)n - passed);
	return err;
}

/* s has ended, and the other one has got all of it. */
static void pass_end(struct side *s)
{
	if (!s->eof || s->rest || s->shut)
		return;
	s->shut = true;
	shutdown(other(s)->fd, SHUT_WR);
}

static void on_side(void *ctx, unsigned events)
{
	struct side *s = ctx;
	struct direct *d = s->direct;
	int err = 0;

	if ((events & LOOP_WRITE) && other(s)->rest)
		err = write_rest(other(s));
	if (!err && (events & LOOP_READ) && !s->eof && !s->rest)
		err = read_more(s);
	if (err) {
		direct_end(d, true);
		return;
	}
	pass_end(&d->sides[0]);
	pass_end(&d->sides[1]);
	if (d->sides[0].shut && d->sides[1].shut) {
		direct_end(d, false);
		return;
	}
	update_interest(&d->sides[0]);
	update_interest(&d->sides[1]);
}

static bool side_start(struct side *s)
{
	sockopt_set_abort(s->fd, true); /* as a relay: killed is no FIN */
	sockopt_set_urgent_inline(s->fd);
	sockopt_set_nodelay(s->fd);
	sockopt_set_keepalive(s->fd, RELAY_KEEPALIVE_IDLE_S,
	                      RELAY_KEEPALIVE_INTERVAL_S, RELAY_KEEPALIVE_COUNT);
	s->io = loop_io_create(s->direct->owner->args.loop, s->fd, LOOP_READ,
	                       on_side, s);
	return s->io;
}

static bool greet(struct direct *d, const struct addr *bound)
{
	uint8_t out[RELAY_ANSWER_MAX];

	if (!d->greeter)
		return true;
	size_t n = d->greeter->opened(out, bound);
	return send(d->sides[0].fd, out, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void on_dialled(void *ctx, const struct dial_result *result)
{
	struct direct *d = ctx;

	d->dial = NULL;
	if (result->fd < 0) {
		relay_turn_away(d->owner->args.relays, d->sides[0].fd,
		                d->greeter, result->end);
		d->sides[0].fd = -1;
		direct_end(d, true);
		return;
	}
	d->sides[1].fd = result->fd;
	if (!greet(d, &result->bound) || !side_start(&d->sides[0]) ||
	    !side_start(&d->sides[1]))
		direct_end(d, true);
}

/* The place is taken. NULL: no memory, or no dial could be made. */
static struct direct *start(struct directs *owner,
                            const struct inlet_client *client,
                            const char *device)
{
	struct direct *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	struct dial_args args = {
		.loop = owner->args.loop, .egress = owner->args.egress,
		.resolver = owner->args.resolver, .dest = &client->dest,
		.device = device, .on_done = on_dialled, .ctx = d,
	};
	d->dial = dial_start(&args);
	if (!d->dial) {
		free(d);
		return NULL;
	}
	d->owner = owner;
	d->host = client->from;
	snprintf(d->device, sizeof(d->device), "%s", device);
	d->greeter = client->greeter;
	d->sides[0] = (struct side){ .direct = d, .fd = client->fd };
	d->sides[1] = (struct side){ .direct = d, .fd = -1 };
	DL_APPEND(owner->all, d);
	owner->count++;
	return d;
}

bool directs_take(struct directs *owner, const struct inlet_client *client,
                  const char *device)
{
	const struct directs_args *args = &owner->args;
	bool named = client->dest.addr.family == AF_UNSPEC;
	bool placed = tally_take(args->hosts, &client->from);
	enum stream_end why = STREAM_END_LIMIT;

	if (placed && named && !args->resolver)
		why = STREAM_END_NAME_NOT_FOUND;
	else if (placed && start(owner, client, device))
		return true;
	if (placed)
		tally_give(args->hosts, &client->from);
	relay_turn_away(args->relays, client->fd, client->greeter, why);
	return placed;
}

void directs_reset(struct directs *owner, const char *device)
{
	struct direct *d, *next;

	DL_FOREACH_SAFE(owner->all, d, next)
		if (!strcmp(d->device, device))
			direct_end(d, true);
}

struct directs *directs_create(const struct directs_args *args)
{
	struct directs *d = malloc(sizeof(*d)); /* the chunk's pages stay untouched */

	if (!d)
		return NULL;
	d->args = *args;
	d->all = NULL;
	d->count = 0;
	return d;
}

void directs_destroy(struct directs *d)
{
	if (!d)
		return;
	while (d->all)
		direct_end(d->all, true);
	free(d);
}

unsigned directs_count(const struct directs *d)
{
	return d->count;
}
